import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectAll } from './buffer-garbage.ts';

const lookEveryMs = 3_000;
/** Share of the time that the event loop may have been busy. */
const idleShare = 0.01;
const worthBytes = 8 * 1_048_576;

/**
 * Gives memory back while nobody asks for anything: what starting, or a busy hour, has left behind. Takes some ten
 * milliseconds at a moment when no exchange is open. Gives what stops it.
 */
export function returnMemoryWhenIdle(openExchanges: () => number): () => void {
  let before = performance.eventLoopUtilization();
  let leastBytes = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const { total_heap_size: bytes } = getHeapStatistics();
    if (utilization > idleShare || openExchanges() > 0 || bytes < leastBytes + worthBytes) return;
    collectAll();
    leastBytes = getHeapStatistics().total_heap_size;
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}
