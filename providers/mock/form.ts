import { type Body, GatewayError, type JsonValue } from '../../plugin-sdk/index.ts';
import { multipartBoundary } from '../../plugin-sdk/json-bytes/index.ts';

export interface FormFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What a request says: fields by name, and the files of a form. */
export interface Form {
  readonly fields: ReadonlyMap<string, JsonValue>;
  readonly files: readonly FormFile[];
}

/** Reads a JSON or multipart body whole. Throws GatewayError REQ_INVALID, REQ_BODY_NOT_JSON. */
export async function readForm(body: Body): Promise<Form> {
  if (body.kind === 'none') return { fields: new Map(), files: [] };
  const boundary = multipartBoundary(body.contentType);
  if (boundary !== undefined) return readMultipart(await bytesOf(body), boundary);
  if (body.kind === 'stream')
    throw new GatewayError('REQ_INVALID', { reason: 'The mock reads JSON and multipart bodies only.' });
  return { fields: new Map(Object.entries(body.json()) as [string, JsonValue][]), files: [] };
}

async function bytesOf(body: Exclude<Body, { kind: 'none' }>): Promise<Buffer> {
  if (body.kind === 'bytes') return body.bytes;
  const chunks: Buffer[] = [];
  for await (const chunk of body.readable) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function readMultipart(bytes: Buffer, boundary: string): Form {
  const fields = new Map<string, JsonValue>();
  const files: FormFile[] = [];
  const delimiter = Buffer.from(`--${boundary}`);
  for (let at = bytes.indexOf(delimiter); at >= 0; ) {
    const start = at + delimiter.length + 2;
    const next = bytes.indexOf(delimiter, start);
    const headEnd = bytes.indexOf('\r\n\r\n', start);
    if (next < 0 || headEnd < 0 || headEnd > next) break;
    const head = bytes.toString('utf8', start, headEnd);
    const content = bytes.subarray(headEnd + 4, next - 2);
    const name = /\bname="([^"]*)"/i.exec(head)?.[1];
    const fileName = /\bfilename="([^"]*)"/i.exec(head)?.[1];
    if (fileName !== undefined) files.push({ name: fileName, bytes: content });
    else if (name !== undefined) fields.set(name, content.toString('utf8'));
    at = next;
  }
  return { fields, files };
}

export function textField(form: Form, name: string): string | undefined {
  const value = form.fields.get(name);
  return typeof value === 'string' ? value : undefined;
}

export function isTrue(form: Form, name: string): boolean {
  const value = form.fields.get(name);
  return value === true || value === 'true';
}
