import { crc32 } from 'node:zlib';

const stringType = 7;

/**
 * One frame of an AWS event stream, with the headers that Bedrock sends. `json` is the payload text.
 * As an `exception`, `name` is the exception's type, such as `throttlingException`.
 */
export function writeAwsEvent(name: string, json: string, kind: 'event' | 'exception' = 'event'): Buffer {
  const headers = Buffer.concat([
    stringHeader(`:${kind}-type`, name),
    stringHeader(':content-type', 'application/json'),
    stringHeader(':message-type', kind),
  ]);
  const payload = Buffer.from(json);
  const frame = Buffer.allocUnsafe(16 + headers.length + payload.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  headers.copy(frame, 12);
  payload.copy(frame, 12 + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

/** `[name length u8][name][type u8][value length u16][value]`. */
function stringHeader(name: string, value: string): Buffer {
  const nameLength = Buffer.byteLength(name);
  const header = Buffer.allocUnsafe(4 + nameLength + Buffer.byteLength(value));
  header[0] = nameLength;
  header.write(name, 1);
  header[1 + nameLength] = stringType;
  header.writeUInt16BE(header.length - 4 - nameLength, 2 + nameLength);
  header.write(value, 4 + nameLength);
  return header;
}
