import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

const decoders: Readonly<Record<string, (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/**
 * A provider's reply without its compression, for plugins that look at it: some providers compress what nobody asked
 * them to. Undefined for an unknown coding, for bytes that are broken, and for more than `limit` bytes.
 */
export function decodedReply(bytes: Buffer, coding: string, limit: number): Buffer | undefined {
  const name = coding.trim().toLowerCase();
  if (name === 'identity') return bytes;
  if (!Object.hasOwn(decoders, name)) return undefined;
  try {
    return decoders[name]!(bytes, { maxOutputLength: limit });
  } catch {
    return undefined;
  }
}
