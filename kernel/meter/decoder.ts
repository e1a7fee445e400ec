import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

const makers: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** A decoder for one content-encoding; undefined for a coding that is not known, or several on top of each other. */
export function createDecoder(encoding: string): Transform | undefined {
  const name = encoding.trim().toLowerCase();
  return Object.hasOwn(makers, name) ? makers[name]!() : undefined;
}
