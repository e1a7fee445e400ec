import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Expiring } from '../../plugin-sdk/index.ts';
import { FakeClock } from '../../plugin-sdk/testing/index.ts';

const minute = 60_000;

/** Tokens that live an hour, counted. */
function tokens(clock: FakeClock, fail: () => boolean = () => false) {
  let fetched = 0;
  const token = new Expiring(clock, async () => {
    if (fail()) throw new Error('no token');
    return { value: `token-${++fetched}`, expiresAt: clock.now() + 60 * minute };
  });
  return token;
}

test('fetches once for all who ask at the same time', async () => {
  const token = tokens(new FakeClock());
  assert.deepEqual(await Promise.all([token.get(), token.get()]), ['token-1', 'token-1']);
});

test('gives what it holds at once, without a promise', async () => {
  const token = tokens(new FakeClock());
  await token.get();
  assert.equal(token.get(), 'token-1');
});

test('renews in the background before the end, and nobody waits', async () => {
  const clock = new FakeClock();
  const token = tokens(clock);
  await token.get();
  clock.advance(56 * minute);
  assert.equal(token.get(), 'token-1');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(token.get(), 'token-2');
});

test('keeps the old one while its renewal fails, and fails after its end', async () => {
  const clock = new FakeClock();
  let down = false;
  const token = tokens(clock, () => down);
  await token.get();
  down = true;
  clock.advance(57 * minute);
  assert.equal(token.get(), 'token-1');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(token.get(), 'token-1');
  clock.advance(3 * minute);
  await assert.rejects(async () => token.get(), /no token/);
  down = false;
  assert.equal(await token.get(), 'token-2');
});

test('fetches anew after it was told to drop what it held', async () => {
  const token = tokens(new FakeClock());
  assert.equal(token.drop(), false);
  await token.get();
  assert.equal(token.drop(), true);
  assert.equal(await token.get(), 'token-2');
});
