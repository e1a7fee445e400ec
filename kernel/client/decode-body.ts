import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { GatewayError, isObject, type JsonObject } from '../../plugin-sdk/index.ts';
import { promisify } from '../node-builtins.ts';

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/** Decompresses a request body, bounded. Throws GatewayError REQ_ENCODING, REQ_TOO_LARGE, REQ_INVALID. */
export async function decodeBody(bytes: Buffer, encoding: string, limit: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  if (!Object.hasOwn(decoders, name)) throw new GatewayError('REQ_ENCODING', { encoding });
  const decode = decoders[name as keyof typeof decoders];
  try {
    return await decode(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new GatewayError('REQ_TOO_LARGE', { limit });
    throw new GatewayError('REQ_INVALID', { reason: `The request body is not valid ${encoding} data.` }, { cause });
  }
}

/**
 * The JSON in a compressed body that is passed on as it is, read from a copy. Undefined for anything else: whether it is
 * right is for the provider to say.
 */
export async function readCompressed(
  bytes: Buffer,
  encoding: string,
  type: string | undefined,
  limit: number,
): Promise<JsonObject | undefined> {
  if (type === undefined || !/\bjson\b/i.test(type)) return undefined;
  try {
    const value: unknown = JSON.parse((await decodeBody(bytes, encoding, limit)).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const decodedHeadBytes = 1_048_576;

/** What the head of a compressed body holds, as far as it goes; empty when it cannot be read. */
export function decodeHead(head: Buffer, encoding: string): Buffer {
  const maxOutputLength = decodedHeadBytes;
  try {
    switch (encoding.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
      case 'deflate':
        return inflateSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength });
      case 'br':
        return brotliDecompressSync(head, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength });
      case 'zstd':
        return zstdDecompressSync(head, { finishFlush: constants.ZSTD_e_flush, maxOutputLength });
      default:
        return Buffer.alloc(0);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
