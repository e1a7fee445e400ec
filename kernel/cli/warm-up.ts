import { flushCompileCache } from 'node:module';
import { performance } from 'node:perf_hooks';
import { loadUnused } from '../../plugin-sdk/load-on-use.ts';
import { collectGarbage } from '../collect-garbage.ts';

/** Whoever waited for the start has its answer by then. */
const firstMs = 500;
const nextMs = 50;
const quietMs = 1_000;
/** Share of the time that a process without calls works at most. */
const quietShare = 0.05;

/**
 * What a start is too early for, in small steps: keeps the compiled code for the next one, which takes the first of all starts
 * a sixth of a second, and loads what was left out, so that the first call that needs it does not wait for it.
 */
export function warmUp(): void {
  const step = (): void => {
    if (loadUnused()) {
      setTimeout(step, nextMs).unref();
      return;
    }
    flushCompileCache();
    giveBackIfQuiet();
  };
  setTimeout(() => {
    // Node does it at the exit as well, but not every process ends in peace.
    flushCompileCache();
    step();
  }, firstMs).unref();
}

/**
 * A sixth of what the process holds then is left over from its start. Collected in a second without work, so that nobody
 * waits for it, and never later: V8 would drop the compiled code of a gateway that rests between two bursts.
 */
function giveBackIfQuiet(): void {
  const before = performance.eventLoopUtilization();
  setTimeout(() => {
    if (performance.eventLoopUtilization(before).utilization < quietShare) collectGarbage('all');
  }, quietMs).unref();
}
