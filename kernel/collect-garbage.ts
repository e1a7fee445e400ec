import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

interface CollectOptions {
  readonly type: 'minor' | 'major';
  readonly execution: 'sync';
  readonly flavor?: 'last-resort';
}

let collect: ((options: CollectOptions) => void) | undefined;

/**
 * Runs V8's garbage collector now: over the `young` objects, which takes about a millisecond, or over `all`, which takes
 * tens of them and gives every page that is left over back to the operating system.
 */
export function collectGarbage(which: 'young' | 'all'): void {
  collect ??= exposed();
  if (which === 'young') collect({ type: 'minor', execution: 'sync' });
  else collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

function exposed(): (options: CollectOptions) => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
