import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { open } from 'lmdb';
import { parsePeriod } from '../../plugin-sdk/period.ts';
import type { Account, Line, Reservation } from '../../plugin-sdk/ports/ledger.ts';
import { LeasedLedger } from '../../plugins/store-lmdb/leased-ledger.ts';
import { LmdbLedger } from '../../plugins/store-lmdb/ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'leased-ledger-test-'));
const environment = open({ path: folder, noSync: true, maxDbs: 8, mapSize: 1 << 28 });
after(async () => {
  await environment.close();
  rmSync(folder, { recursive: true });
});

class TestClock {
  time = Date.UTC(2026, 10, 21, 12);
  now(): number {
    return this.time;
  }
}

let names = 0;
const account = (over: Partial<Account> = {}): Account => ({
  id: `account:${names++}`,
  unit: 'nano-usd',
  limit: 1_000_000,
  window: { type: 'calendar', period: parsePeriod('1Y')! },
  ...over,
});

/** Ledgers of two processes on one store, the store seen from a third, and how many transactions were made. */
function twoProcesses() {
  const clock = new TestClock();
  let transactions = 0;
  const counting = Object.create(environment, {
    transactionSync: {
      value: (step: () => unknown) => {
        transactions++;
        return environment.transactionSync(step);
      },
    },
  });
  const exact = new LmdbLedger(environment, clock);
  const leased = (): LeasedLedger => new LeasedLedger(new LmdbLedger(counting, clock), clock);
  return { clock, one: leased(), other: leased(), exact, transactions: () => transactions };
}

/** Waits for it, no longer than the tenth of a second in which it is promised and some more for a busy machine. */
async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 500 && !condition(); waited += 5) await sleep(5);
}

function idOf(reservation: Reservation): string {
  assert.ok(reservation.granted);
  return reservation.id;
}

test('makes no transaction for most calls of a busy account', () => {
  const { clock, one, exact, transactions } = twoProcesses();
  const lines = [
    { account: account(), amount: 100 },
    { account: account({ unit: 'requests' }), amount: 1 },
    { account: account({ unit: 'concurrency' }), amount: 1 },
  ];
  for (let call = 0; call < 1_000; call++) {
    one.settleSoon(idOf(one.reserve(lines, clock.time + 60_000)), { 'nano-usd': 7 });
  }
  assert.ok(transactions() < 100, `${transactions()}`);
  one.flush();
  const used = exact.usage(lines.map((line) => line.account)).map(({ used, reserved }) => [used, reserved]);
  assert.deepEqual(used, [
    [7_000, 0],
    [1_000, 0],
    [0, 0],
  ]);
});

test('writes what was used, and gives back what nobody needs, by itself and soon', async () => {
  const { clock, one, exact } = twoProcesses();
  const lines = [{ account: account(), amount: 100 }];
  const ids = Array.from({ length: 10 }, () => idOf(one.reserve(lines, clock.time + 60_000)));
  for (const id of ids.slice(1)) one.settleSoon(id, { 'nano-usd': 7 });
  const seen = (): (number | undefined)[] =>
    exact.usage([lines[0]!.account]).flatMap(({ used, reserved }) => [used, reserved]);
  await until(() => seen()[0] === 163);
  assert.deepEqual(seen(), [163, 100]);
  one.release(ids[0]!);
  await until(() => seen()[0] === 63);
  assert.deepEqual(seen(), [63, 0]);
});

test('follows a lease that ran out with another one, however long it lasted', () => {
  const { clock, one } = twoProcesses();
  const line = [{ account: account({ limit: 1e9 }), amount: 100 }];
  let exact = 0;
  for (let call = 0; call < 5 * 512; call++) {
    const id = idOf(one.reserve(line, clock.time + 60_000));
    if (!id.startsWith('lease-')) exact++;
    one.settleSoon(id, { 'nano-usd': 100 });
    clock.time += 0.5;
  }
  // The first two make a lease, and then one each time that a lease has run out.
  assert.equal(exact, 6);
});

test('never refuses for what it has leased itself', () => {
  const { clock, one } = twoProcesses();
  const limited = account({ limit: 10_000 });
  for (let call = 0; call < 3; call++) one.reserve([{ account: limited, amount: 10 }], clock.time + 60_000);
  assert.equal(one.reserve([{ account: limited, amount: 9_970 }], clock.time + 60_000).granted, true);
  assert.equal(one.reserve([{ account: limited, amount: 1 }], clock.time + 60_000).granted, false);
});

test('leaves the leases of other accounts alone when somebody asks what one has used', () => {
  const { clock, one, transactions } = twoProcesses();
  const busy = [{ account: account(), amount: 100 }];
  const asked = account();
  for (let call = 0; call < 3; call++) one.settleSoon(idOf(one.reserve(busy, clock.time + 60_000)), {});
  const before = transactions();
  for (let call = 0; call < 50; call++) {
    one.settleSoon(idOf(one.reserve(busy, clock.time + 60_000)), {});
    one.usage([asked]);
  }
  // Each asking writes what was used until then; no call needs a transaction of its own.
  assert.ok(transactions() - before <= 55, `${transactions() - before}`);
  assert.equal(one.usage([busy[0]!.account])[0]!.used, 5_300);
});

test('never goes over a limit in two processes and ends exact, whatever the order of steps', () => {
  const of = fc.boolean();
  const at = fc.nat(200);
  const step = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ kind: fc.constant('reserve' as const), of, amount: fc.nat(8), times: fc.nat(40) }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        at,
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('once' as const), at, again: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), at }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const), of }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40) }) },
  );
  let leased = 0;
  fc.assert(
    fc.property(fc.nat(9_500), fc.array(step, { minLength: 50, maxLength: 400 }), (before, steps) => {
      const { clock, one, other, exact } = twoProcesses();
      const limited = account({ limit: 10_000 });
      exact.settle(idOf(exact.reserve([{ account: limited, amount: before }], clock.time + 1)), {});
      const all: { ledger: LeasedLedger; id: string; amount: number }[] = [];
      let charged = before;
      let paid = 0;
      for (const action of steps) {
        if (action.kind === 'wait') clock.time += action.ms;
        else if (action.kind === 'flush') (action.of ? one : other).flush();
        else if (action.kind === 'reserve') {
          const ledger = action.of ? one : other;
          for (let time = 0; time < action.times; time++) {
            const result = ledger.reserve([{ account: limited, amount: action.amount }], clock.time + 1e9);
            if (!result.granted) break;
            if (result.id.startsWith('lease')) leased++;
            all.push({ ledger, id: result.id, amount: action.amount });
          }
          const held = all.reduce((sum, { amount }) => sum + amount, 0);
          assert.ok(charged + held <= limited.limit, `${charged} + ${held}`);
        } else {
          const chosen = all[action.at % Math.max(all.length, 1)];
          if (chosen === undefined) continue;
          all.splice(all.indexOf(chosen), 1);
          if (action.kind === 'release') assert.equal(chosen.ledger.release(chosen.id), true);
          else if (action.kind === 'settle') {
            const truth = Math.floor(chosen.amount * action.share);
            chosen.ledger.settleSoon(chosen.id, { 'nano-usd': truth });
            charged += truth;
          } else {
            const again = action.again && paid > 0;
            const name = `${limited.id} ${again ? paid - 1 : paid++}`;
            assert.equal(chosen.ledger.settle(chosen.id, { 'nano-usd': chosen.amount }, name), true);
            if (!again) charged += chosen.amount;
          }
        }
      }
      for (const { ledger, id } of all) ledger.release(id);
      one.flush();
      other.flush();
      assert.deepEqual(
        exact.usage([limited]).map(({ used, reserved }) => [used, reserved]),
        [[charged, 0]],
      );
    }),
    { numRuns: 150 },
  );
  assert.ok(leased > 1_000, `${leased} calls were served from a lease`);
});

test('never allows more than the limit in any minute and uses nearly all of it', () => {
  const { clock, one } = twoProcesses();
  const perMinute = account({
    unit: 'requests',
    limit: 6_000,
    window: { type: 'rolling', period: parsePeriod('1m')! },
  });
  const line: Line[] = [{ account: perMinute, amount: 1 }];
  const granted: number[] = [];
  const start = clock.time;
  while (clock.time < start + 180_000) {
    const reservation = one.reserve(line, clock.time + 60_000);
    if (reservation.granted) {
      granted.push(clock.time);
      one.settleSoon(reservation.id, {});
    }
    clock.time += 9;
  }
  for (let i = 6_000; i < granted.length; i++) assert.ok(granted[i]! - granted[i - 6_000]! >= 60_000);
  assert.ok(granted.length >= 0.95 * 3 * 6_000, `${granted.length} of 18000`);
});

test('counts a call in the bucket in which it was made, not in that of its lease', () => {
  const { clock, one, exact } = twoProcesses();
  const perMinute = account({ unit: 'requests', window: { type: 'rolling', period: parsePeriod('1m')! } });
  const line: Line[] = [{ account: perMinute, amount: 1 }];
  for (let call = 0; call < 6; call++) {
    one.settleSoon(idOf(one.reserve(line, clock.time + 60_000)), {});
    if (call === 3) clock.time += 40_000;
  }
  one.flush();
  clock.time += 40_000;
  assert.equal(exact.usage([perMinute])[0]!.used, 2);
});

test('charges more than was reserved when that is the truth', () => {
  const { clock, one, exact } = twoProcesses();
  const limited = account();
  const ids = Array.from({ length: 8 }, () =>
    idOf(one.reserve([{ account: limited, amount: 10 }], clock.time + 60_000)),
  );
  for (const id of ids) one.settleSoon(id, { 'nano-usd': 5_000 });
  one.flush();
  assert.deepEqual(
    exact.usage([limited]).map(({ used, reserved }) => [used, reserved]),
    [[40_000, 0]],
  );
});

test('charges calls that outlive their lease, and keeps those that are extended', () => {
  const { clock, one, other, exact } = twoProcesses();
  const limited = account({ limit: 10_000 });
  const line = [{ account: limited, amount: 10 }];
  const ids = Array.from({ length: 8 }, () => idOf(one.reserve(line, clock.time + 1_000)));
  clock.time += 900;
  one.extend(ids, clock.time + 1_000);
  clock.time += 900;
  assert.equal(other.reserve([{ account: limited, amount: 9_930 }], clock.time + 1_000).granted, false);
  clock.time += 200;
  // Whoever is refused sweeps first: what has expired is free again.
  const rest = other.reserve([{ account: limited, amount: 9_930 }], clock.time + 1_000);
  assert.equal(rest.granted, true);
  for (const id of ids) one.settleSoon(id, { 'nano-usd': 10 });
  one.flush();
  other.release(idOf(rest));
  other.flush();
  assert.deepEqual(
    exact.usage([limited]).map(({ used, reserved }) => [used, reserved]),
    [[80, 0]],
  );
});
