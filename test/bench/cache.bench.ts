/**
 * What the caches cost: a hit and a carried request to a local upstream, the key of a request, and look-ups among many
 * vectors. Run: `node test/bench/cache.bench.ts [vectors]` (100,000 when absent; building them takes most of the time).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openaiChat } from '../../plugin-sdk/dialects/index.ts';
import { BytesBody, type Exchange, GatewayRequest, type Host, RequestHeaders } from '../../plugin-sdk/index.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { keyOf } from '../../plugins/cache/key.ts';
import { cacheOptions } from '../../plugins/cache/options.ts';
import { graphMaker } from '../../plugins/semantic-cache/graph-maker.ts';
import { IndexFiles } from '../../plugins/semantic-cache/index-files.ts';
import { PartitionIndex } from '../../plugins/semantic-cache/partition-index.ts';
import { LmdbCache } from '../../plugins/store-lmdb/cache.ts';
import { bestMicroseconds, report } from './measure.ts';

const vectors = Number(process.argv[2] ?? 100_000);
const dimensions = 1_536;

const messages = [{ role: 'user', content: 'What is the meaning of it all? '.repeat(30) }];
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Forty-two. '.repeat(60) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 300, completion_tokens: 200, total_tokens: 500 },
};

keys();
await hits();
await lookUps();

function keys(): void {
  const bytes = Buffer.from(JSON.stringify({ model: 'gpt-4o', messages, temperature: 0.2, stream: true }));
  const headers = new RequestHeaders([
    'content-type',
    'application/json',
    'authorization',
    'Bearer sk-x',
    'user-agent',
    'OpenAI/JS',
  ]);
  const host = { providers: new Map([['openai', { baseUrl: 'https://api.example' }]]) } as unknown as Host;
  const context = { host, options: cacheOptions.parse({}), ignoredHeaders: new Set<string>(), version: 'v' };
  const microseconds = bestMicroseconds(() =>
    keyOf(
      {
        operation: 'chat',
        dialect: openaiChat,
        route: {},
        defaultProvider: 'openai',
        targets: [{ provider: 'openai', model: 'gpt-4o' }],
        request: new GatewayRequest('POST', '/chat/completions', '', headers, new BytesBody(bytes, 'application/json')),
        get: () => undefined,
      } as unknown as Exchange,
      '',
      context,
    ),
  );
  report('key of a 1 KB request, parsing included', microseconds, 'request');
}

async function hits(): Promise<void> {
  const upstream = await startUpstream();
  upstream.always({ json: completion });
  const gateway = await startGateway({
    log: { level: 'error' },
    plugins: {
      'routes/openai': {},
      'plugins/key-pool': {},
      'providers/openai': upstream.provider(),
      'plugins/cache': { onRequest: true },
    },
  });
  const call = async (headers: Record<string, string>): Promise<void> => {
    const body = JSON.stringify({ model: 'gpt-4o', messages });
    const request = new Request(`${gateway.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    await (await gateway.gateway.fetch(request)).arrayBuffer();
  };
  const time = async (headers: Record<string, string>): Promise<number> => {
    for (let i = 0; i < 300; i++) await call(headers);
    let best = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < 5; batch++) {
      const started = performance.now();
      for (let i = 0; i < 300; i++) await call(headers);
      best = Math.min(best, ((performance.now() - started) / 300) * 1_000);
    }
    return best;
  };
  report('carried to a local upstream, one after the other', await time({}), 'request');
  report('answered from the cache, one after the other', await time({ 'x-bf-cache-key': 'bench' }), 'request');
  await gateway.close();
  await upstream.close();
}

async function lookUps(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-cache-bench-'));
  const shared = <T>(_key: string, create: () => T): T => create();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const host = { dataDir, shared, log, clock: { now: () => Date.now() } } as unknown as Host;
  const store = new LmdbCache(host, 64 * 1024 ** 3);
  const limits = { maxEntries: vectors, maxBytes: 1e12, maxEntryBytes: 1e9 };
  const started = performance.now();
  for (let i = 0; i < vectors; i += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, vectors - i) }, async (_, at) => {
        const key = `${i + at}`;
        await store.put(
          {
            scope: 's',
            key,
            namespace: '',
            time: Date.now(),
            expiresAt: Date.now() + 1e9,
            operation: 'chat',
            dialect: 'openai.chat',
            provider: 'p',
            model: 'm',
            request: key,
            content: { type: 'json', json: {} },
          },
          limits,
        );
        await store.addVector('s', key, 'p', vectorOf(i + at));
      }),
    );
  }
  report(
    `writing an entry with its vector (${dimensions})`,
    ((performance.now() - started) / vectors) * 1_000,
    'entry',
  );
  const files = new IndexFiles(host, store.vectorsId, await graphMaker(host));
  const index = new PartitionIndex(store, 'p', files);
  const building = performance.now();
  await index.follow();
  report(`building the index of ${vectors} vectors`, ((performance.now() - building) / vectors) * 1_000, 'vector');
  index.save();
  const loading = performance.now();
  const again = new PartitionIndex(store, 'p', files);
  await again.follow();
  report('loading it again', (performance.now() - loading) * 1_000, 'index');
  let asked = 0;
  let found = 0;
  const microseconds = bestMicroseconds(() => {
    const wanted = (asked * 7_919) % vectors;
    asked += 1;
    if (again.search(near(vectorOf(wanted)), 0.9)[0] !== undefined) found += 1;
  });
  report(`look-up among ${vectors} vectors, the question's vector included`, microseconds, 'look-up');
  process.stdout.write(`found ${((found / asked) * 100).toFixed(1)} % of ${asked} near questions\n`);
  rmSync(dataDir, { recursive: true, force: true });
}

function vectorOf(seed: number): Float32Array {
  const vector = new Float32Array(dimensions);
  let state = (seed * 2_654_435_761) >>> 0;
  let square = 0;
  for (let i = 0; i < dimensions; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    vector[i] = state / 2 ** 31 - 1;
    square += vector[i]! ** 2;
  }
  const length = Math.sqrt(square);
  return vector.map((one) => one / length);
}

function near(vector: Float32Array): Float32Array {
  const moved = vector.map((one, i) => one + (i % 7 === 0 ? 0.01 : -0.002));
  const length = Math.sqrt(moved.reduce((sum, one) => sum + one * one, 0));
  return moved.map((one) => one / length);
}
