import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { parsePeriod } from '../../plugin-sdk/period.ts';
import type { Account, Line } from '../../plugin-sdk/ports/ledger.ts';
import { LeasedLedger } from '../../plugins/store-lmdb/leased-ledger.ts';
import { LmdbLedger } from '../../plugins/store-lmdb/ledger.ts';

/** CPU and wall time of one reservation and its settlement, by number of accounts. */
const folder = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
const environment = open({ path: folder, noSync: true, maxDbs: 8, mapSize: 1 << 30 });
const exact = new LmdbLedger(environment, Date);
const leased = new LeasedLedger(exact, Date);

const day = { type: 'calendar', period: parsePeriod('1d')! } as const;
const minute = { type: 'rolling', period: parsePeriod('1m')! } as const;
const accounts: Account[] = [
  { id: 'virtual-key:a', unit: 'nano-usd', limit: 1e15, window: day },
  { id: 'virtual-key:a', unit: 'requests', limit: 1e9, window: minute },
  { id: 'virtual-key:a', unit: 'tokens', limit: 1e15, window: minute },
  { id: 'team:b', unit: 'nano-usd', limit: 1e15, window: day },
  { id: 'customer:c', unit: 'nano-usd', limit: 1e15, window: day },
];
const amounts = { requests: 1, tokens: 5_000, 'nano-usd': 1_234_567, concurrency: 1 };
const rounds = 40_000;

for (const [name, ledger] of [['exact', exact] as const, ['leased', leased] as const]) {
  for (const count of [1, 3, 5]) {
    const lines: Line[] = accounts.slice(0, count).map((account) => ({ account, amount: amounts[account.unit] }));
    run(ledger, rounds / 4, lines);
    const cpu = process.cpuUsage();
    const started = performance.now();
    run(ledger, rounds, lines);
    const wall = ((performance.now() - started) * 1_000) / rounds;
    const used = process.cpuUsage(cpu);
    const line = {
      ledger: name,
      accounts: count,
      wallMicros: wall.toFixed(2),
      cpuMicros: ((used.user + used.system) / rounds).toFixed(2),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
leased.flush();
await environment.close();
rmSync(folder, { recursive: true });

function run(ledger: LmdbLedger | LeasedLedger, times: number, lines: readonly Line[]): void {
  for (let i = 0; i < times; i++) {
    const reservation = ledger.reserve(lines, Date.now() + 120_000);
    if (reservation.granted) ledger.settle(reservation.id, { 'nano-usd': 1_000_000, tokens: 900 });
  }
}
