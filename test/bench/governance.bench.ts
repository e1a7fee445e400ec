import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { openaiChat } from '../../plugin-sdk/dialects/index.ts';
import {
  BytesBody,
  type Exchange,
  GatewayRequest,
  type Host,
  type Outcome,
  RequestHeaders,
  Secret,
  type Slot,
} from '../../plugin-sdk/index.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { ledgerPort } from '../../plugin-sdk/ports/ledger.ts';
import { pricesPort } from '../../plugin-sdk/ports/prices.ts';
import governance from '../../plugins/governance/index.ts';
import { governanceOptions } from '../../plugins/governance/options.ts';
import { pricesFrom, pricingOptions } from '../../plugins/pricing/index.ts';
import { LmdbEntities } from '../../plugins/store-lmdb/entities.ts';
import { LeasedLedger } from '../../plugins/store-lmdb/leased-ledger.ts';
import { LmdbLedger } from '../../plugins/store-lmdb/ledger.ts';
import { Sealing } from '../../plugins/store-lmdb/sealing.ts';

/** CPU of all governance hooks for one call: identity, access, reservation, settlement; and of its parts. */
const folder = mkdtempSync(join(tmpdir(), 'governance-bench-'));
const environment = open({ path: join(folder, 'store'), maxDbs: 32, mapSize: 1 << 28 });
const ledgerEnvironment = open({ path: join(folder, 'ledger'), noSync: true, maxDbs: 8, mapSize: 1 << 28 });
const key = 'sk-bf-0123456789abcdef0123456789';
const limits = {
  none: {},
  budget: { budgets: [{ limit: 1_000_000, period: '1M', calendar: true }] },
  'budget, rates, concurrency, team': {
    budgets: [{ limit: 1_000_000, period: '1M' }],
    rateLimits: [{ requests: 1e9, tokens: 1e12, period: '1m' }],
    concurrency: 1_000_000,
    team: 'red',
  },
};
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(40);
const bytes = Buffer.from(
  JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 500, messages: [{ role: 'user', content: text }] }),
);
const rounds = 20_000;
const outcome = {
  attempts: [
    {
      number: 1,
      provider: 'openai',
      model: 'gpt-4o-mini',
      key: 'main',
      result: 'ok',
      status: 200,
      usage: { input: 500, output: 300 },
    },
  ],
} as unknown as Outcome;

interface Handlers {
  readonly preRoute: { handler(exchange: Exchange): unknown };
  readonly transformRequest: { handler(request: GatewayRequest, exchange: Exchange): unknown };
  readonly execute: { handler(attempt: object): unknown };
  postLog(exchange: Exchange, outcome: Outcome): unknown;
}

for (const [name, more] of Object.entries(limits)) {
  const hooks = await hooksWith(more);
  // The first call looks the key up; the others find it in memory and stay synchronous.
  await identify(hooks);
  for (let i = 0; i < rounds / 4; i++) one(hooks);
  const cpu = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    one(hooks);
    // Lets LMDB renew its view, as it does between calls.
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(
    `${JSON.stringify({ limits: name, bodyBytes: bytes.length, cpuMicros: ((user + system) / rounds).toFixed(2) })}\n`,
  );
}
await environment.close();
await ledgerEnvironment.close();
rmSync(folder, { recursive: true });

async function hooksWith(more: object) {
  const options = governanceOptions.parse({
    required: true,
    virtualKeys: [{ id: 'k', value: key, ...more }],
    teams: [{ id: 'red', budgets: [{ limit: 1_000_000, period: '1M' }] }],
  });
  const ports = new Map<unknown, unknown>([
    [entitiesPort, new LmdbEntities(environment, new Sealing(new Secret('bench')), Date)],
    [ledgerPort, new LeasedLedger(new LmdbLedger(ledgerEnvironment, Date), Date)],
    [pricesPort, pricesFrom(pricingOptions.parse({}), () => undefined)],
  ]);
  const host = {
    port: (port: unknown) => ports.get(port),
    clock: { now: Date.now, after: () => () => {} },
    providers: new Map(),
  } as unknown as Host;
  const { hooks } = await governance.setup(options, host);
  return hooks as unknown as Handlers;
}

async function identify(hooks: Handlers): Promise<void> {
  await hooks.preRoute.handler(newExchange());
}

function one(hooks: Handlers): void {
  const exchange = newExchange();
  const attempt = {
    exchange,
    target: { provider: 'openai', model: 'gpt-4o-mini' },
    key: { name: 'main' },
    number: 1,
    onEnd() {},
  };
  hooks.preRoute.handler(exchange);
  hooks.transformRequest.handler(exchange.request, exchange);
  hooks.execute.handler(attempt);
  hooks.postLog(exchange, outcome);
}

function newExchange(): Exchange {
  const slots: unknown[] = [];
  const request = new GatewayRequest(
    'POST',
    '/chat/completions',
    '',
    new RequestHeaders(['host', 'x', 'content-type', 'application/json', 'authorization', `Bearer ${key}`]),
    new BytesBody(bytes, 'application/json'),
  );
  return {
    time: Date.now(),
    operation: 'chat',
    dialect: openaiChat,
    route: {},
    request,
    model: 'gpt-4o-mini',
    stream: false,
    targets: [{ provider: 'openai', model: 'gpt-4o-mini' }],
    get: (slot: Slot<unknown>) => slots[slot.index],
    set: (slot: Slot<unknown>, value: unknown) => void (slots[slot.index] = value),
    setTargets() {},
    setRequest() {},
    note() {},
  } as unknown as Exchange;
}
