import { flushCompileCache } from 'node:module';
import { loadUnused } from '../../plugin-sdk/load-on-use.ts';
import { collectWhenQuiet } from './collect-when-quiet.ts';
import { sourceCache } from './source-cache.ts';

/** Whoever waited for the start has its answer by then. */
const firstMs = 500;
const nextMs = 50;

/**
 * What a start is too early for, in small steps: keeps sources and compiled code for the next one, which takes the first of all
 * starts a sixth of a second, and loads what was left out, so that the first call that needs it does not wait for it.
 */
export function warmUp(): void {
  const step = (): void => {
    if (loadsMore()) {
      setTimeout(step, nextMs).unref();
      return;
    }
    flushCompileCache();
    void sourceCache.close();
    collectWhenQuiet();
  };
  setTimeout(() => {
    // Node does it at the exit as well, but not every process ends in peace.
    flushCompileCache();
    void sourceCache.keep();
    step();
  }, firstMs).unref();
}

/** Without a file descriptor left nothing can be loaded, which is no reason to end: the first call that needs it tries again. */
function loadsMore(): boolean {
  try {
    return loadUnused();
  } catch {
    return true;
  }
}
