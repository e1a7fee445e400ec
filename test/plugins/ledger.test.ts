import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { open } from 'lmdb';
import { type Period, parsePeriod } from '../../plugin-sdk/period.ts';
import type { Account, Reservation } from '../../plugin-sdk/ports/ledger.ts';
import { LmdbLedger } from '../../plugins/store-lmdb/ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'ledger-test-'));
const environment = open({ path: folder, noSync: true, maxDbs: 8, mapSize: 1 << 28 });
after(async () => {
  await environment.close();
  rmSync(folder, { recursive: true });
});

const period = (text: string): Period => parsePeriod(text)!;
let names = 0;
const account = (over: Partial<Account> = {}): Account => ({
  id: `account:${names++}`,
  unit: 'nano-usd',
  limit: 1_000,
  window: { type: 'calendar', period: period('1Y') },
  ...over,
});

class TestClock {
  time = Date.UTC(2026, 10, 21, 12);
  now(): number {
    return this.time;
  }
}

function ledgerAt(): { ledger: LmdbLedger; clock: TestClock } {
  const clock = new TestClock();
  return { ledger: new LmdbLedger(environment, clock), clock };
}

function idOf(reservation: Reservation): string {
  assert.ok(reservation.granted);
  return reservation.id;
}

test('reserves over several accounts or over none', () => {
  const { ledger, clock } = ledgerAt();
  const wide = account({ limit: 10_000 });
  const narrow = account({ limit: 50 });
  const refused = ledger.reserve(
    [
      { account: wide, amount: 60 },
      { account: narrow, amount: 60 },
    ],
    clock.time + 1_000,
  );
  assert.equal(refused.granted, false);
  assert.ok(!refused.granted);
  assert.equal(refused.line.account, narrow);
  assert.equal(refused.used, 0);
  assert.deepEqual(
    ledger.usage([wide, narrow]).map((usage) => usage.used),
    [0, 0],
  );
});

test('makes settlements that may wait before anything else that is asked', () => {
  const { ledger, clock } = ledgerAt();
  const one = account({ limit: 100 });
  const id = idOf(ledger.reserve([{ account: one, amount: 90 }], clock.time + 1_000));
  ledger.settleSoon(id, { 'nano-usd': 5 });
  assert.ok(ledger.reserve([{ account: one, amount: 95 }], clock.time + 1_000).granted);
  assert.equal(ledger.usage([one])[0]!.used, 100);
});

test('makes settlements that may wait by itself, for other processes to see', async () => {
  const { ledger, clock } = ledgerAt();
  const other = new LmdbLedger(environment, clock);
  const one = account({ limit: 100 });
  const id = idOf(ledger.reserve([{ account: one, amount: 90 }], clock.time + 1_000));
  ledger.settleSoon(id, { 'nano-usd': 5 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(other.usage([one])[0]!.used, 5);
});

test('counts two lines on one account together', () => {
  const { ledger, clock } = ledgerAt();
  const one = account({ limit: 100 });
  const refused = ledger.reserve(
    [
      { account: one, amount: 60 },
      { account: one, amount: 60 },
    ],
    clock.time + 1_000,
  );
  assert.equal(refused.granted, false);
});

test('settles the truth, refunds the rest and charges once', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  const id = idOf(ledger.reserve([{ account: one, amount: 800 }], clock.time + 1_000));
  assert.deepEqual(
    ledger.usage([one]).map(({ used, reserved }) => [used, reserved]),
    [[800, 800]],
  );
  assert.equal(ledger.settle(id, { 'nano-usd': 123 }), true);
  assert.equal(ledger.settle(id, { 'nano-usd': 123 }), false);
  assert.equal(ledger.release(id), false);
  assert.deepEqual(
    ledger.usage([one]).map(({ used, reserved }) => [used, reserved]),
    [[123, 0]],
  );
});

test('charges more than was reserved when that is the truth', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  const id = idOf(ledger.reserve([{ account: one, amount: 10 }], clock.time + 1_000));
  ledger.settle(id, { 'nano-usd': 1_500 });
  assert.equal(ledger.usage([one])[0]!.used, 1_500);
  assert.equal(ledger.reserve([{ account: one, amount: 1 }], clock.time + 1_000).granted, false);
  assert.equal(ledger.reserve([{ account: one, amount: 0 }], clock.time + 1_000).granted, true);
});

test('refunds a reservation whose time is over as soon as somebody needs it', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  ledger.reserve([{ account: one, amount: 1_000 }], clock.time + 1_000);
  assert.equal(ledger.reserve([{ account: one, amount: 1 }], clock.time + 1_000).granted, false);
  clock.time += 1_001;
  assert.equal(ledger.reserve([{ account: one, amount: 1_000 }], clock.time + 1_000).granted, true);
});

test('charges a late settlement of an expired reservation exactly once', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  const id = idOf(ledger.reserve([{ account: one, amount: 900 }], clock.time + 1_000));
  clock.time += 2_000;
  const other = idOf(ledger.reserve([{ account: one, amount: 1_000 }], clock.time + 1_000));
  ledger.release(other);
  assert.equal(ledger.usage([one])[0]!.used, 0);
  assert.equal(ledger.settle(id, { 'nano-usd': 40 }), true);
  assert.equal(ledger.settle(id, { 'nano-usd': 40 }), false);
  assert.deepEqual(
    ledger.usage([one]).map(({ used, reserved }) => [used, reserved]),
    [[40, 0]],
  );
});

test('keeps an extended reservation', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  const id = idOf(ledger.reserve([{ account: one, amount: 1_000 }], clock.time + 1_000));
  ledger.extend([id], clock.time + 60_000);
  clock.time += 30_000;
  assert.equal(ledger.reserve([{ account: one, amount: 1 }], clock.time + 1_000).granted, false);
  clock.time += 31_000;
  assert.equal(ledger.reserve([{ account: one, amount: 1 }], clock.time + 1_000).granted, true);
});

test('counts concurrency only while reservations are open', () => {
  const { ledger, clock } = ledgerAt();
  const { window: _, ...open } = account({ unit: 'concurrency', limit: 2 });
  const line = [{ account: open as Account, amount: 1 }];
  const first = idOf(ledger.reserve(line, clock.time + 60_000));
  ledger.reserve(line, clock.time + 60_000);
  const refused = ledger.reserve(line, clock.time + 60_000);
  assert.ok(!refused.granted);
  assert.equal(refused.resetAt, undefined);
  ledger.settle(first, {});
  assert.equal(ledger.reserve(line, clock.time + 60_000).granted, true);
});

test('starts a calendar window anew at its UTC boundary and says when', () => {
  const { ledger, clock } = ledgerAt();
  const daily = account({ unit: 'requests', limit: 1, window: { type: 'calendar', period: period('1d') } });
  idOf(ledger.reserve([{ account: daily, amount: 1 }], clock.time + 1e8));
  const refused = ledger.reserve([{ account: daily, amount: 1 }], clock.time + 1_000);
  assert.ok(!refused.granted);
  assert.equal(refused.resetAt, Date.UTC(2026, 10, 22));
  clock.time = Date.UTC(2026, 10, 22);
  assert.equal(ledger.reserve([{ account: daily, amount: 1 }], clock.time + 1_000).granted, true);
});

test('charges the window in which the reservation was made', () => {
  const { ledger, clock } = ledgerAt();
  const daily = account({ window: { type: 'calendar', period: period('1d') } });
  const id = idOf(ledger.reserve([{ account: daily, amount: 900 }], clock.time + 1e8));
  clock.time = Date.UTC(2026, 10, 22, 1);
  idOf(ledger.reserve([{ account: daily, amount: 1_000 }], clock.time + 1_000));
  ledger.settle(id, { 'nano-usd': 500 });
  assert.equal(ledger.usage([daily])[0]!.used, 1_000);
});

test('says when a rolling window has room again, and has it then', () => {
  const { ledger, clock } = ledgerAt();
  const rolling = account({ unit: 'tokens', limit: 100, window: { type: 'rolling', period: period('1m') } });
  ledger.settle(idOf(ledger.reserve([{ account: rolling, amount: 60 }], clock.time + 1_000)), {});
  clock.time += 20_000;
  ledger.settle(idOf(ledger.reserve([{ account: rolling, amount: 40 }], clock.time + 1_000)), {});
  const refused = ledger.reserve([{ account: rolling, amount: 50 }], clock.time + 1_000);
  assert.ok(!refused.granted && refused.resetAt !== undefined);
  clock.time = refused.resetAt - 1;
  assert.equal(ledger.reserve([{ account: rolling, amount: 50 }], clock.time + 1_000).granted, false);
  clock.time = refused.resetAt;
  assert.equal(ledger.reserve([{ account: rolling, amount: 50 }], clock.time + 1_000).granted, true);
  assert.equal(ledger.reserve([{ account: rolling, amount: 101 }], clock.time + 1_000).granted, false);
});

const hour = 3_600_000;
const windows = [
  { type: 'rolling', period: period('1m') },
  { type: 'calendar', period: period('1m') },
] as const;
for (const window of windows) {
  test(`a clock that was ahead and is set right keeps no ${window.type} window shut`, () => {
    const { ledger, clock } = ledgerAt();
    const perMinute = account({ unit: 'requests', limit: 10, window });
    const ask = (): boolean => ledger.reserve([{ account: perMinute, amount: 1 }], clock.time + 1_000).granted;
    const right = clock.time;
    clock.time = right + 5 * hour;
    for (let i = 0; i < 4; i++) assert.ok(ask());
    clock.time = right;
    for (let i = 0; i < 6; i++) assert.ok(ask());
    assert.equal(ask(), false, 'what was used counts on');
    assert.ok(ledger.usage([perMinute])[0]!.resetAt! <= right + 62_000);
    clock.time = right + 62_000;
    assert.ok(ask());
  });
}

test('reservations of a dead process are given back also after the clock was set back', () => {
  const { ledger, clock } = ledgerAt();
  const { window: _, ...places } = account({ unit: 'concurrency', limit: 1 });
  const ask = (): boolean => ledger.reserve([{ account: places, amount: 1 }], clock.time + 60_000).granted;
  const right = clock.time;
  clock.time = right + 5 * hour;
  assert.ok(ledger.reserve([{ account: account(), amount: 1 }], clock.time).granted);
  clock.time = right;
  assert.ok(ask());
  assert.equal(ask(), false);
  clock.time = right + 60_001;
  assert.ok(ask());
});

test('never allows more than the limit in any minute and uses at least 95 percent of it', () => {
  const { ledger, clock } = ledgerAt();
  const perMinute = account({ unit: 'requests', limit: 600, window: { type: 'rolling', period: period('1m') } });
  const line = [{ account: perMinute, amount: 1 }];
  const granted: number[] = [];
  const start = clock.time;
  while (clock.time < start + 600_000) {
    const reservation = ledger.reserve(line, clock.time + 60_000);
    if (reservation.granted) {
      granted.push(clock.time);
      ledger.settle(reservation.id, {});
    }
    clock.time += 90;
  }
  for (let i = 600; i < granted.length; i++) assert.ok(granted[i]! - granted[i - 600]! >= 60_000);
  assert.ok(granted.length >= 0.95 * 10 * 600, `${granted.length} of 6000`);
});

test('says that the store is not available when it is not', async () => {
  const path = mkdtempSync(join(tmpdir(), 'ledger-closed-'));
  const closed = open({ path, noSync: true, maxDbs: 8 });
  const ledger = new LmdbLedger(closed, Date);
  await closed.close();
  const code = 'STORE_UNAVAILABLE';
  assert.throws(() => ledger.reserve([{ account: account(), amount: 1 }], Date.now() + 1_000), { code });
  rmSync(path, { recursive: true });
});

test('resets what was used and leaves open reservations alone', () => {
  const { ledger, clock } = ledgerAt();
  const one = account();
  ledger.settle(idOf(ledger.reserve([{ account: one, amount: 700 }], clock.time + 1_000)), {});
  ledger.reset([one]);
  assert.equal(ledger.usage([one])[0]!.used, 0);
});

for (const [window, over] of Object.entries({
  'a calendar budget': {},
  'a rolling limit': { window: { type: 'rolling', period: period('1m') } },
  'a limit of calls at once': { unit: 'concurrency' },
} satisfies Record<string, Partial<Account>>)) {
  test(`a reset of ${window} while calls are open gives nobody more than the limit afterwards`, () => {
    const { ledger, clock } = ledgerAt();
    const one = account({ limit: 10, ...over });
    const other = account({ limit: 10, ...over });
    const reserve = (amount: number, of = one) => ledger.reserve([{ account: of, amount }], clock.time + 600_000);
    ledger.settle(idOf(reserve(3)), {});
    const open = [idOf(reserve(4)), idOf(reserve(2))];
    const elsewhere = idOf(reserve(5, other));
    ledger.reset([one]);
    assert.deepEqual(
      ledger.usage([one, other]).map(({ used, reserved }) => [used, reserved]),
      [
        [6, 6],
        [5, 5],
      ],
    );
    assert.equal(reserve(5).granted, false);
    ledger.release(open[0]!);
    ledger.settle(open[1]!, { 'nano-usd': 1 });
    ledger.release(elsewhere);
    assert.equal(ledger.usage([one])[0]!.used, one.unit === 'concurrency' ? 0 : 1);
    assert.equal(ledger.usage([one])[0]!.reserved, 0);
  });
}

test('never goes over the limit and ends exact, whatever the order of steps', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('reserve' as const), amount: fc.nat(400) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        at: fc.nat(30),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), at: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('extend' as const), at: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(900) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.constantFrom('calendar' as const, 'rolling' as const),
      (steps, type) => {
        const { ledger, clock } = ledgerAt();
        const one = account({ window: { type, period: period('1Y') } });
        const open: { id: string; amount: number; until: number }[] = [];
        let charged = 0;
        for (const action of steps) {
          if (action.kind === 'wait') clock.time += action.ms;
          else if (action.kind === 'reserve') {
            const reservation = ledger.reserve([{ account: one, amount: action.amount }], clock.time + 1_000);
            const held = open.reduce((sum, { amount, until }) => sum + (until > clock.time ? amount : 0), 0);
            if (reservation.granted) {
              assert.ok(charged + held + action.amount <= 1_000 || action.amount === 0);
              open.push({ id: reservation.id, amount: action.amount, until: clock.time + 1_000 });
            }
          } else {
            const chosen = open[action.at % Math.max(open.length, 1)];
            if (chosen === undefined) continue;
            if (action.kind === 'extend') {
              if (chosen.until <= clock.time) continue;
              ledger.extend([chosen.id], clock.time + 5_000);
              chosen.until = clock.time + 5_000;
              continue;
            }
            open.splice(open.indexOf(chosen), 1);
            if (action.kind === 'release') ledger.release(chosen.id);
            else {
              const truth = Math.floor(chosen.amount * action.share);
              assert.equal(ledger.settle(chosen.id, { 'nano-usd': truth }), true);
              charged += truth;
            }
          }
        }
        for (const { id } of open) ledger.release(id);
        assert.deepEqual(
          ledger.usage([one]).map(({ used, reserved }) => [used, reserved]),
          [[charged, 0]],
        );
      },
    ),
    { numRuns: 150 },
  );
});

test('grants no more than a budget pays for to four processes at once, and ends exact', {
  timeout: 60_000,
}, async () => {
  const shared = mkdtempSync(join(tmpdir(), 'ledger-shared-'));
  const results = await Promise.all(
    Array.from({ length: 4 }, () => report(child(shared, 500, 1_000_000, 100_000_000, 'settle'))),
  );
  const granted = results.reduce((sum, result) => sum + result.granted, 0);
  const charged = results.reduce((sum, result) => sum + result.charged, 0);
  assert.ok(charged <= 100_000_000);
  assert.ok(granted >= 100 && granted <= 101, `${granted}`);
  assert.deepEqual(usageIn(shared, 100_000_000), [charged, 0]);
  rmSync(shared, { recursive: true });
});

test('survives kill -9 in the middle and frees what the dead process held', { timeout: 60_000 }, async () => {
  const shared = mkdtempSync(join(tmpdir(), 'ledger-killed-'));
  const process = child(shared, 50, 1_000, 100_000, 'hang');
  const { granted } = await report(process);
  assert.equal(granted, 50);
  process.kill('SIGKILL');
  await new Promise((resolve) => process.once('exit', resolve));
  await new Promise((resolve) => setTimeout(resolve, 1_600));
  const whole = await report(child(shared, 1, 100_000, 100_000, 'settle'));
  assert.equal(whole.granted, 1);
  assert.deepEqual(usageIn(shared, 100_000), [100_000, 0]);
  rmSync(shared, { recursive: true });
});

function child(path: string, count: number, amount: number, limit: number, mode: string): ChildProcess {
  const file = join(import.meta.dirname, 'ledger-child.ts');
  return spawn(process.execPath, [file, path, `${count}`, `${amount}`, `${limit}`, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function report(running: ChildProcess): Promise<{ granted: number; charged: number }> {
  return new Promise((resolve, reject) => {
    running.stdout!.once('data', (line: Buffer) => resolve(JSON.parse(line.toString())));
    running.once('error', reject);
  });
}

function usageIn(path: string, limit: number): number[] {
  const other = open({ path, noSync: true, maxDbs: 8, mapSize: 1 << 28 });
  const one: Account = {
    id: 'virtual-key:shared',
    unit: 'nano-usd',
    limit,
    window: { type: 'calendar', period: period('1Y') },
  };
  const [usage] = new LmdbLedger(other, Date).usage([one]);
  return [usage!.used, usage!.reserved];
}

test('charges what is named once for the first settlement alone, and forgets the name after a week', () => {
  const { ledger, clock } = ledgerAt();
  const budget = account({ limit: 100_000 });
  const settle = (once: string): boolean => {
    const id = idOf(ledger.reserve([{ account: budget, amount: 500 }], clock.now() + 60_000));
    return ledger.settle(id, { 'nano-usd': 300 }, once);
  };
  assert.deepEqual([settle('job'), settle('job'), settle('other')], [true, true, true]);
  const [usage] = ledger.usage([budget]);
  assert.deepEqual([usage?.used, usage?.reserved], [600, 0]);
  clock.time += 8 * 86_400_000;
  settle('another');
  settle('job');
  assert.equal(ledger.usage([budget])[0]?.used, 1_200);
});
