/**
 * What looking at an exchange costs when it is over: pricing, its record, its line in the access log. In the process,
 * without I/O; what writing the record costs beside the request path is in `records.bench.ts`.
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
