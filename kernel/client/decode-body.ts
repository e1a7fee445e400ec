import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { GatewayError } from '../../plugin-sdk/index.ts';

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
} as const;

/** Decompresses a request body, bounded. Throws GatewayError REQ_ENCODING, REQ_TOO_LARGE, REQ_INVALID. */
export async function decodeBody(bytes: Buffer, encoding: string, limit: number): Promise<Buffer> {
  const decode = decoders[encoding.trim().toLowerCase() as keyof typeof decoders];
  if (decode === undefined) throw new GatewayError('REQ_ENCODING', { encoding });
  try {
    return await decode(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new GatewayError('REQ_TOO_LARGE', { limit });
    throw new GatewayError('REQ_INVALID', { reason: `The request body is not valid ${encoding} data.` }, { cause });
  }
}
