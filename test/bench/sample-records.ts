import type { Host } from '../../plugin-sdk/index.ts';
import type { ExchangeRecord } from '../../plugin-sdk/ports/records.ts';
import { LmdbRecords } from '../../plugins/store-lmdb/records.ts';

/** The records of a data folder, without a gateway. */
export function openStore(dataDir: string): { readonly store: LmdbRecords; close(): Promise<void> } {
  let close: () => unknown = () => undefined;
  const host = {
    dataDir,
    shared<T>(_key: string, create: () => T, end: (value: T) => unknown): T {
      const value = create();
      close = () => end(value);
      return value;
    },
  } as unknown as Host;
  return {
    store: new LmdbRecords(host, 64 * 1024 ** 3),
    close: async () => {
      await close();
    },
  };
}

const models = ['gpt-5.6-sol', 'gpt-5-mini', 'claude-opus-4-8', 'claude-sonnet-5', 'gemini-3.6-flash'];
/** The i-th of many records that differ as those of a company do. `time` in milliseconds since 1970. */
export function sampleRecord(i: number, time: number): ExchangeRecord {
  const model = models[(i * 7) % 5]!;
  const provider = model.startsWith('gpt') ? 'openai' : model.startsWith('claude') ? 'anthropic' : 'gemini';
  const failed = i % 97 === 0;
  const durationMs = 200 + ((i * 7_919) % 30_000);
  return {
    id: `req_${i.toString(36).padStart(10, '0')}${((i * 2_654_435_761) >>> 0).toString(36)}`,
    time: Math.floor(time),
    operation: i % 9 === 0 ? 'embeddings' : 'chat',
    dialect: 'openai.chat',
    stream: i % 3 !== 0,
    caller: {
      id: `vk_${i % 500}`,
      kind: 'virtual-key',
      name: `service ${i % 500}`,
      team: `team ${i % 40}`,
      customer: `customer ${i % 8}`,
    },
    clientModel: model,
    provider,
    model,
    key: i % 2 === 0 ? 'main' : 'second',
    status: failed ? 502 : 200,
    ...(failed ? { error: 'UP_STATUS' } : { finish: 'stop' }),
    origin: 'upstream',
    clientGone: false,
    durationMs,
    firstContentMs: durationMs / 4,
    firstByteMs: durationMs / 4,
    attempts: [
      {
        provider,
        model,
        key: 'main',
        result: failed ? 'failed' : 'ok',
        status: failed ? 502 : 200,
        durationMs,
        firstContentMs: durationMs / 4,
      },
    ],
    usage: { input: 500 + (i % 4_000), output: 200 + (i % 900), cachedInput: i % 300, reasoning: i % 90 },
    cost: 1_000_000 + (i % 9_000_000),
    priceVersion: '2026-11-21',
    chunks: 120,
    bytesIn: 3_000,
    bytesOut: 20_000,
    lossy: [],
    links: {},
    metadata: i % 10 === 0 ? { tenant: `t${i % 100}` } : {},
    generation: 'g1-4f2a9c',
    decisions: [{ atMs: 0.4, by: 'plugins/key-pool', what: 'key', details: { key: 'main' } }],
  };
}
