/**
 * Bytes, or the UTF-8 bytes of a text, as a text of one character for each: small ones go to a socket in one piece with what
 * stands before them. `size`: how many bytes they are.
 */
export function latin1(chunk: Buffer | string, size: number): string {
  if (typeof chunk !== 'string') return chunk.toString('latin1');
  return chunk.length === size ? chunk : Buffer.from(chunk).toString('latin1');
}
