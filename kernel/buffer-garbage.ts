import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of read buffers after which the young ones are collected. */
const collectedBytes = 8 * 1_048_576;

type Collect = (options: { readonly type: 'minor'; readonly execution: 'sync' }) => void;

let collect: Collect | undefined;
let passed = 0;

/**
 * Notes that a buffer of a body was read. Every read has memory of its own outside V8's heap, and V8 lets some hundred
 * megabytes of it wait, since the objects that hold it are tiny. A large body would so take as much memory as it is long;
 * collecting the young objects, which takes about a millisecond, keeps that from happening.
 */
export function noteRead(bytes: number): void {
  passed += bytes;
  if (passed < collectedBytes) return;
  passed = 0;
  collect ??= exposed();
  collect({ type: 'minor', execution: 'sync' });
}

function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
