import { open } from 'lmdb';
import { parsePeriod } from '../../plugin-sdk/period.ts';
import { LmdbLedger } from '../../plugins/store-lmdb/ledger.ts';

/** One of several processes on one ledger: node ledger-child.ts FOLDER RESERVATIONS AMOUNT LIMIT MODE */
const [folder, count, amount, limit, mode] = process.argv.slice(2) as [string, string, string, string, string];
const environment = open({ path: folder, noSync: true, maxDbs: 8, mapSize: 1 << 28 });
const ledger = new LmdbLedger(environment, Date);
const account = {
  id: 'virtual-key:shared',
  unit: 'nano-usd',
  limit: Number(limit),
  window: { type: 'calendar', period: parsePeriod('1Y')! },
} as const;

const until = Date.now() + (mode === 'hang' ? 1_500 : 60_000);
const granted: string[] = [];
for (let i = 0; i < Number(count); i++) {
  const reservation = ledger.reserve([{ account, amount: Number(amount) }], until);
  if (reservation.granted) granted.push(reservation.id);
  if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
}
let charged = 0;
if (mode === 'settle') {
  for (const [i, id] of granted.entries()) {
    const truth = Number(amount) - (i % 7);
    if (ledger.settle(id, { 'nano-usd': truth })) charged += truth;
  }
}
process.stdout.write(`${JSON.stringify({ granted: granted.length, charged })}\n`);
if (mode === 'hang') {
  for (;;) {
    ledger.reserve([{ account, amount: 1 }], until);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
await environment.close();
