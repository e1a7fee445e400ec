/**
 * Up to this many bytes of a reply go out in one piece with the head or the frame of their chunk, as one latin1 text; of
 * texts above 16 KB, head included, node would make another copy.
 */
export const joinedBytes = 15_360;

/**
 * Bytes, or the UTF-8 bytes of a text, as a text of one character for each: small ones go to a socket in one piece with what
 * stands before them. `size`: how many bytes they are.
 */
export function latin1(chunk: Buffer | string, size: number): string {
  if (typeof chunk !== 'string') return chunk.toString('latin1');
  return chunk.length === size ? chunk : Buffer.from(chunk).toString('latin1');
}
