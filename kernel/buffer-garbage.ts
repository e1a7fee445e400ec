import { collectGarbage } from './collect-garbage.ts';

/** Bytes of read buffers after which the young ones are collected. */
const collectedBytes = 16 * 1_048_576;

let passed = 0;

/**
 * Notes that a buffer of a body was read. Every read has memory of its own outside V8's heap, and V8 lets some hundred
 * megabytes of it wait, since the objects that hold it are tiny. A large body would so take as much memory as it is long;
 * collecting the young objects keeps that from happening.
 */
export function noteRead(bytes: number): void {
  passed += bytes;
  if (passed < collectedBytes) return;
  passed = 0;
  collectGarbage('young');
}
