import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { loadOnUse, loadUnused } from '../../plugin-sdk/load-on-use.ts';

/** Addresses of the modules loaded since. */
function watchLoads(): string[] {
  const loads: string[] = [];
  registerHooks({
    load(url, context, next) {
      loads.push(url);
      return next(url, context);
    },
  });
  return loads;
}

test('a module loaded on use is loaded with the first use, and the same as an imported one', async () => {
  const loads = watchLoads();
  const wav = loadOnUse<typeof import('../../plugin-sdk/wav.ts')>(import.meta.url, '../../plugin-sdk/wav');
  assert.deepEqual(loads, []);
  const module = wav();
  assert.equal(loads.length, 1);
  assert.equal(module, await import('../../plugin-sdk/wav.ts'));
  assert.equal(wav(), module);
});

test('what nobody has used is loaded one at a time, until nothing is left', () => {
  const loads = watchLoads();
  loadOnUse(import.meta.url, '../../plugin-sdk/usd');
  loadOnUse(import.meta.url, '../../plugin-sdk/same-origin');
  assert.equal(loadUnused(), true);
  assert.match(loads.join(), /usd\.ts$/);
  assert.equal(loadUnused(), true);
  assert.match(loads.join(), /usd\.ts,.*same-origin\.ts$/);
  assert.equal(loadUnused(), false);
});
