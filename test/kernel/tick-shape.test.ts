import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepTickShape } from '../../kernel/cli/keep-tick-shape.ts';
import { collectGarbage } from '../../kernel/collect-garbage.ts';

test('a tick of the event loop takes no longer after a collection that found none waiting', async () => {
  keepTickShape();
  const before = await fastest();
  // Nothing that made or awaited a tick is on the way any more.
  await sleep(20);
  collectGarbage('all');
  const after = await fastest();
  // Several times as long without the one that is kept.
  assert.ok(after < before * 2.5, `${before} ms before, ${after} ms after`);
});

/** Milliseconds of 10,000 ticks, in the best of many runs. */
async function fastest(): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 30; i++) {
    const started = performance.now();
    await ticks(10_000);
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

function ticks(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const tick = (): void => {
      left -= 1;
      if (left === 0) resolve();
    };
    for (let i = 0; i < count; i++) process.nextTick(tick);
  });
}
