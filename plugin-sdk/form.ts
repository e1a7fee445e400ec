import { isObject, type JsonObject } from './json.ts';
import { multipartBoundary } from './json-bytes/index.ts';

/** A file of a multipart form. */
export interface FormFile {
  readonly field: string;
  readonly filename: string;
  readonly contentType: string;
  /** A view of the body, not a copy. */
  readonly bytes: Buffer;
}

export interface Form {
  /** Text fields; a field that is repeated or named `name[]` is a list under its bare name. */
  readonly fields: JsonObject;
  readonly files: readonly FormFile[];
}

/** Reads a whole multipart/form-data body (RFC 7578); one of another type has nothing in it. */
export function readForm(body: Buffer, contentType: string | undefined): Form {
  const fields: JsonObject = {};
  const files: FormFile[] = [];
  const boundary = multipartBoundary(contentType);
  if (boundary === undefined) return { fields, files };
  const delimiter = `\r\n--${boundary}`;
  // The first delimiter may open the body without a line break before it.
  let at = body.indexOf(delimiter.slice(2));
  let start = at + delimiter.length - 2;
  while (at >= 0 && body.toString('latin1', start, start + 2) !== '--') {
    const headEnd = body.indexOf('\r\n\r\n', start);
    const next = headEnd < 0 ? -1 : body.indexOf(delimiter, headEnd + 2);
    if (next < 0) break;
    const head = body.toString('utf8', start, headEnd);
    const content = body.subarray(headEnd + 4, Math.max(headEnd + 4, next));
    const field = parameter(head, 'name');
    const filename = parameter(head, 'filename');
    if (field !== undefined && filename === undefined) put(fields, field, content.toString('utf8'));
    else if (field !== undefined && filename !== undefined) {
      const type = /^content-type:\s*([^\r\n]+)/im.exec(head)?.[1] ?? 'application/octet-stream';
      files.push({ field: bare(field), filename, contentType: type.trim(), bytes: content });
    }
    at = next;
    start = next + delimiter.length;
  }
  return { fields, files };
}

function parameter(head: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\r\\n]*))`, 'i').exec(head);
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2]?.trim();
}

function put(fields: JsonObject, field: string, value: string): void {
  const name = bare(field);
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (Array.isArray(known)) known.push(value);
  else if (known !== undefined && !isObject(known)) fields[name] = [known, value];
  else
    Object.defineProperty(fields, name, {
      value: field === name ? value : [value],
      enumerable: true,
      writable: true,
      configurable: true,
    });
}

function bare(field: string): string {
  return field.endsWith('[]') ? field.slice(0, -2) : field;
}
