import {
  type Body,
  BytesBody,
  GatewayError,
  noBody,
  Pieces,
  type RequestHeaders,
  StreamBody,
} from '../../plugin-sdk/index.ts';
import { membersOfHead } from './body-members.ts';
import type { BodyLimits } from './client.ts';
import { decodeBody, decodeHead, readCompressed } from './decode-body.ts';
import type { IncomingBody } from './incoming-body.ts';
import { Upload } from './upload.ts';

const headBytes = 65_536;

/** Reads an HTTP request's body: none, whole, or (where allowed and large) its head with the rest still to come. */
export function readBody(incoming: IncomingBody, headers: RequestHeaders, limits: BodyLimits): Body | Promise<Body> {
  const plan = planFor(headers, limits);
  if (plan === undefined) return noBody;
  return read(incoming, limits, plan.streams).then((result) => {
    if (result instanceof Pieces) return heldBody(result, plan, limits);
    const { head } = result;
    const { type, encoding, size, limit } = plan;
    const members = membersOfHead(encoding === undefined ? head : decodeHead(head, encoding), type ?? '');
    return new StreamBody(head, new Upload(head, incoming, limit, limits.bodyTimeoutMs), type, size, members);
  });
}

/** The body of a request all of which is there. */
export function readWholeBody(bytes: Buffer, headers: RequestHeaders, limits: BodyLimits): Body | Promise<Body> {
  const plan = planFor(headers, limits);
  return plan === undefined ? noBody : heldBody(new Pieces([bytes]), plan, limits);
}

/** What the head of a request says of its body, and what is to be done about it. */
interface BodyPlan {
  readonly type: string | undefined;
  readonly encoding: string | undefined;
  readonly decode: boolean;
  /** Bytes that the client announced. */
  readonly size: number | undefined;
  readonly limit: number;
  readonly streams: boolean;
}

/** Undefined for a request without a body. Throws GatewayError REQ_TOO_LARGE, REQ_TRANSFER_ENCODING. */
function planFor(headers: RequestHeaders, limits: BodyLimits): BodyPlan | undefined {
  const declared = headers.get('content-length');
  // Node refuses a request that has both.
  if (declared === undefined) {
    const coding = transferCoding(headers);
    if (coding === undefined) return undefined;
    if (!/^chunked$/i.test(coding)) throw unreadable(coding);
  }
  const size = declared === undefined ? undefined : Number(declared);
  if (size === 0) return undefined;
  const encoding = headers.get('content-encoding');
  const decode = encoding !== undefined && encoding !== 'identity' && !limits.keepEncoding;
  const streams = limits.mayStream && !decode && (size === undefined || size > limits.bufferBytes);
  const limit = streams ? limits.uploadBytes : limits.bodyBytes;
  if (size !== undefined && size > limit) throw new GatewayError('REQ_TOO_LARGE', { limit });
  return { type: headers.get('content-type'), encoding, decode, size, limit, streams };
}

/** Of all its lines. */
function transferCoding({ names, flat }: RequestHeaders): string | undefined {
  if (!names.includes('transfer-encoding')) return undefined;
  return names.flatMap((name, i) => (name === 'transfer-encoding' ? [flat[i * 2 + 1]!] : [])).join(', ');
}

/**
 * With the chunks taken off, what lies beneath would be taken for the body itself. Where chunks are not the last coding, nobody
 * can say where the request ends (RFC 9112 section 6.3).
 */
function unreadable(coding: string): GatewayError {
  const status = /(?:^|[\s,])chunked$/i.test(coding) ? 501 : 400;
  return new GatewayError('REQ_TRANSFER_ENCODING', { coding }, { status, clientMayRetry: false });
}

function heldBody(pieces: Pieces, plan: BodyPlan, limits: BodyLimits): Body | Promise<Body> {
  const { type, encoding, decode } = plan;
  if (encoding === undefined) return new BytesBody(pieces, type, undefined, limits.jsonDepth);
  return compressedBody(pieces.join(), encoding, type, decode, limits);
}

async function compressedBody(
  bytes: Buffer,
  encoding: string,
  type: string | undefined,
  decode: boolean,
  limits: BodyLimits,
): Promise<BytesBody> {
  if (decode)
    return new BytesBody(await decodeBody(bytes, encoding, limits.bodyBytes), type, undefined, limits.jsonDepth);
  const members = await readCompressed(bytes, encoding, type, limits.bodyBytes);
  return new BytesBody(bytes, type, members, limits.jsonDepth);
}

/** Collects the body; with `streams`, stops once the head is there and gives the rest back to the socket. */
function read(
  incoming: IncomingBody,
  limits: BodyLimits,
  streams: boolean,
): Promise<Pieces | { readonly head: Buffer }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onError).off('close', onError);
    };
    const fail = (error: GatewayError): void => {
      finish();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limits.bodyBytes && !streams) fail(new GatewayError('REQ_TOO_LARGE', { limit: limits.bodyBytes }));
      else if (streams && size >= headBytes) {
        finish();
        incoming.pause();
        resolve({ head: new Pieces(chunks).join() });
      }
    };
    const onEnd = (): void => {
      finish();
      resolve(Pieces.received(chunks));
    };
    const onError = (): void => fail(new GatewayError('CLIENT_GONE', {}));
    const timer = setTimeout(
      () => fail(new GatewayError('REQ_TIMEOUT', { ms: limits.bodyTimeoutMs })),
      limits.bodyTimeoutMs,
    );
    incoming.on('data', onData).on('end', onEnd).on('error', onError).on('close', onError);
  });
}
