/**
 * What looking at an exchange costs when it is over: each part by itself, without I/O; then whole requests through a
 * gateway with each observer on and off, and with all of them, as processor time with all that is written beside the
 * request path. What the store of records costs by itself is in `records.bench.ts`.
 */
import { devNull } from 'node:os';
import {
  callerSlot,
  type Logger,
  noBody,
  type Outcome,
  RequestHeaders,
  type RoutedExchange,
  type Slot,
} from '../../plugin-sdk/index.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { accessLine } from '../../plugins/access-log/access-line.ts';
import { LineWriter } from '../../plugins/access-log/line-writer.ts';
import { exchangeCost } from '../../plugins/pricing/exchange-cost.ts';
import { pricesFrom, pricingOptions } from '../../plugins/pricing/index.ts';
import { recordOf } from '../../plugins/records/record-of.ts';
import { encodeRow } from '../../plugins/store-lmdb/records/row.ts';
import { bestMicroseconds, report } from './measure.ts';

const slots = new Map<Slot<unknown>, unknown>([
  [callerSlot as Slot<unknown>, { id: 'vk-1', kind: 'virtual-key', name: 'Shop', team: 'web' }],
  [costSlot as Slot<unknown>, { nanoUsd: 3_000_000, version: '2026-11-21' }],
]);
const exchange = {
  id: 'req_hQyOfCXq00000001',
  time: Date.parse('2026-11-21T12:00:00Z'),
  operation: 'chat',
  dialect: { id: 'openai.chat' },
  route: { path: '/openai/v1/chat/completions' },
  request: {
    method: 'POST',
    headers: new RequestHeaders([
      'host',
      'x',
      'content-type',
      'application/json',
      'authorization',
      'x',
      'x-bf-lh-tenant',
      'blue',
    ]),
    body: noBody,
  },
  model: 'openai/gpt-4o',
  stream: true,
  targets: [{ provider: 'openai', model: 'gpt-4o' }],
  get: (slot: Slot<unknown>) => slots.get(slot),
} as unknown as RoutedExchange;
const outcome = {
  status: 200,
  clientGone: false,
  usage: { input: 1_000, output: 100, cachedInput: 400 },
  finish: 'stop',
  origin: 'upstream',
  attempts: [
    {
      number: 1,
      provider: 'openai',
      model: 'gpt-4o',
      key: 'main',
      result: 'ok',
      status: 200,
      durationMs: 812.25,
      firstContentMs: 230.5,
    },
  ],
  durationMs: 815.5,
  firstByteMs: 231.25,
  bytesIn: 2_048,
  bytesOut: 16_384,
  chunks: 120,
  lossy: [],
  decisions: [],
} as unknown as Outcome;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { now: Date.now, monotonic: () => performance.now(), after: () => () => undefined };
const prices = pricesFrom(pricingOptions.parse({}), () => undefined);
const call = { provider: 'openai', model: 'gpt-4o', operation: 'chat', at: exchange.time } as const;
const same = (text: string): string => text;
const writer = new LineWriter({ destination: devNull, bufferBytes: 65_536, flushMs: 200 }, clock, silent);
const record = recordOf(exchange, outcome, '1-aaaa', [], same);

report(
  'pricing: reserve',
  bestMicroseconds(() => prices.reserve({ ...call, inputTokens: 1_000, outputTokens: 4_096 })),
  'request',
);
report(
  'pricing: the cost of an exchange',
  bestMicroseconds(() => exchangeCost(exchange, outcome, prices)),
  'request',
);
report(
  'records: making the record',
  bestMicroseconds(() => recordOf(exchange, outcome, '1-aaaa', [], same)),
  'request',
);
report(
  'records: encoding its row, off the request path',
  bestMicroseconds(() => encodeRow(record)),
  'record',
);
report(
  'access log: making the line',
  bestMicroseconds(() => accessLine(exchange, outcome)),
  'request',
);
report(
  'access log: making and buffering the line',
  bestMicroseconds(() => writer.write(accessLine(exchange, outcome))),
  'request',
);
report(
  'for comparison: JSON.stringify of the record',
  bestMicroseconds(() => JSON.stringify(record)),
  'record',
);
await writer.close();
await wholeRequests();

/** Gateways side by side, visited in turn; the least of the rounds counts, as that of which nobody else took a part. */
async function wholeRequests(): Promise<void> {
  const observers = {
    'plugins/pricing': {},
    'plugins/records': {},
    'plugins/metrics': {},
    'plugins/access-log': { destination: devNull },
  };
  type Observer = keyof typeof observers;
  const candidates: readonly (readonly [string, readonly Observer[]])[] = [
    ['none of them', []],
    ['pricing', ['plugins/pricing']],
    ['records', ['plugins/records']],
    ['metrics', ['plugins/metrics']],
    ['access log', ['plugins/access-log']],
    ['all four', ['plugins/pricing', 'plugins/records', 'plugins/metrics', 'plugins/access-log']],
  ];
  const running = await Promise.all(
    candidates.map(async ([name, wanted]) => {
      // Records are loaded with a store; so that only they are measured, every gateway has it.
      const plugins = Object.fromEntries(wanted.map((id) => [id, observers[id]]));
      const gateway = await startGateway({
        plugins: { 'routes/openai': {}, 'providers/mock': {}, 'plugins/store-lmdb': {}, ...plugins },
      });
      return { name, gateway, best: Number.POSITIVE_INFINITY };
    }),
  );
  const body = JSON.stringify({
    model: 'mock/echo',
    messages: [{ role: 'user', content: 'Hello there, '.repeat(20) }],
  });
  const requests = 500;
  for (let round = -2; round < 12; round++) {
    for (const one of running) {
      const url = `${one.gateway.url}/openai/v1/chat/completions`;
      const before = process.cpuUsage();
      for (let i = 0; i < requests; i++) {
        const init = {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': `${body.length}` },
          body,
        };
        const reply = await one.gateway.gateway.fetch(new Request(url, init));
        if (reply.status !== 200) throw new Error(await reply.text());
        await reply.arrayBuffer();
      }
      // Batches that wait are part of the cost.
      await new Promise((resolve) => setTimeout(resolve, 250));
      const used = process.cpuUsage(before);
      if (round >= 0) one.best = Math.min(one.best, (used.user + used.system) / requests);
    }
  }
  const base = running[0]!.best;
  for (const { name, best } of running) {
    report(`a request with ${name}`, best, 'request');
    if (name !== 'none of them') report('  added', best - base, 'request');
  }
  for (const { gateway } of running) await gateway.close();
}
