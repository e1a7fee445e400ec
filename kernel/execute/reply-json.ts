import { type BytesBody, GatewayError, getHeader, isGatewayError, type JsonObject } from '../../plugin-sdk/index.ts';
import { decodedReply } from '../decoded-reply.ts';

/** The JSON of what a provider sent; that it is none is no fault of the caller. Throws GatewayError UP_BAD_BODY. */
export function replyJson(provider: string, body: BytesBody): JsonObject {
  try {
    return body.json();
  } catch (cause) {
    const reason = isGatewayError(cause) ? String(cause.fields['reason']) : 'it is not JSON';
    throw new GatewayError('UP_BAD_BODY', { provider, reason }, { cause });
  }
}

/** A reply's body for whoever parses it: without compression that nobody asked for, and without a byte order mark. */
export function plainReply(headers: readonly string[], bytes: Buffer, limit: number): Buffer {
  const coding = getHeader(headers, 'content-encoding');
  return withoutMark(coding === undefined ? bytes : (decodedReply(bytes, coding, limit) ?? bytes));
}

/** The same bytes without a byte order mark. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
