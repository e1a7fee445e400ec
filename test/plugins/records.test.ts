import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { bind, definePlugin, type Logger } from '../../plugin-sdk/index.ts';
import { type ExchangeRecord, recordsPort } from '../../plugin-sdk/ports/records.ts';
import { FakeClock } from '../../plugin-sdk/testing/index.ts';
import { WriteQueue } from '../../plugins/records/write-queue.ts';
import { chat, chunks, completion, type ShownRecord, startRecording } from './record-gateway.ts';
import { recordNumber } from './record-store.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options = { queue: 1_000, batch: 10, flushMs: 200 };

describe('the record of an exchange', () => {
  it('says who asked what of whom, how it went and what it cost', async () => {
    await using recording = await startRecording();
    recording.upstream.reply({ json: completion });
    await recording.post('/chat/completions', chat, { 'x-bf-lh-tenant': 'blue' });
    const [record] = await recording.records(1);
    const { clientModel, provider, model, key, status, finish, usage, cost, priceVersion, metadata, attempts } =
      record!;
    assert.deepEqual(
      { clientModel, provider, model, key, status, finish, usage, cost, metadata },
      {
        clientModel: 'openai/gpt-4o',
        provider: 'openai',
        model: 'gpt-4o',
        key: 'main',
        status: 200,
        finish: 'stop',
        usage: { input: 1_000, output: 100, cachedInput: 400 },
        cost: 600 * 2_500 + 400 * 1_250 + 100 * 10_000,
        metadata: { tenant: 'blue' },
      },
    );
    assert.match(priceVersion ?? '', /^\d{4}-\d{2}-\d{2}$/);
    assert.equal(attempts.length, 1);
  });

  it('says how an answer ended that a plugin made, whole or streamed', async () => {
    await using recording = await startRecording({}, { plugins: { 'providers/mock': {} } });
    for (const stream of [false, true]) {
      const reply = await recording.post('/chat/completions', { ...chat, model: 'mock/echo', stream });
      assert.match(await reply.text(), /"finish_reason":"stop"/);
    }
    assert.deepEqual(
      (await recording.records(2)).map(({ finish }) => finish),
      ['stop', 'stop'],
    );
  });

  const surfaces: [
    string,
    (recording: Awaited<ReturnType<typeof startRecording>>) => Promise<unknown>,
    Partial<ShownRecord>,
  ][] = [
    [
      'a stream',
      async ({ upstream, post }) => {
        upstream.reply({ events: chunks });
        await (
          await post('/chat/completions', { ...chat, stream: true, stream_options: { include_usage: true } })
        ).text();
      },
      { status: 200, stream: true, cost: 3_500_000, finish: 'stop' },
    ],
    [
      'a stream that is cut',
      async ({ upstream, post }) => {
        upstream.reply({ events: chunks.slice(0, 3), fault: 'cut' });
        await (await post('/chat/completions', { ...chat, stream: true })).text().catch(() => undefined);
      },
      { status: 200, stream: true, error: 'UP_STREAM_CUT' },
    ],
    [
      'embeddings',
      async ({ upstream, post }) => {
        upstream.reply({ json: { object: 'list', data: [], usage: { prompt_tokens: 1_000, total_tokens: 1_000 } } });
        await post('/embeddings', { model: 'text-embedding-3-small', input: 'x' });
      },
      { operation: 'embeddings', status: 200, cost: 20_000 },
    ],
    [
      'a passthrough call',
      async ({ upstream, post }) => {
        upstream.reply({ json: completion });
        await post('/passthrough/chat/completions', { ...chat, model: 'gpt-4o' });
      },
      { operation: 'passthrough', status: 200 },
    ],
    [
      'a refusal of the provider',
      async ({ upstream, post }) => {
        upstream.reply({ status: 400, json: { error: { message: 'no', type: 'invalid_request_error' } } });
        await post('/chat/completions', chat);
      },
      { status: 400, error: 'UP_STATUS', cost: null },
    ],
    [
      'a refusal of the gateway',
      async ({ post }) => {
        await post('/chat/completions', chat, { 'x-refuse': '1' });
      },
      { status: 403, origin: 'gateway', cost: null },
    ],
    [
      'a call of a provider that is not configured',
      async ({ post }) => {
        await post('/chat/completions', { ...chat, model: 'nobody/x' });
      },
      { cost: null },
    ],
  ];
  for (const [what, call, expected] of surfaces) {
    it(`is exactly one for ${what}, and true`, async () => {
      await using recording = await startRecording();
      await call(recording);
      const records = await recording.records(1);
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal((await recording.records(1)).length, 1);
      const record = records[0]!;
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(record[name as keyof ShownRecord], value, name);
    });
  }

  it('charges only the attempt that used something when an earlier one failed', async () => {
    await using recording = await startRecording({}, { plugins: { failover: {} } });
    recording.upstream.reply({ status: 500, json: { error: { message: 'down' } } }, { json: completion });
    await recording.post('/chat/completions', chat, { 'x-failover': 'backup/gpt-4o' });
    const [record] = await recording.records(1);
    assert.deepEqual(
      record!.attempts.map((one) => [one.provider, one.result, one.status]),
      [
        ['openai', 'failed', 500],
        ['backup', 'ok', 200],
      ],
    );
    assert.equal(record!.provider, 'backup');
    assert.equal(record!.cost, 3_000_000);
  });

  it('of the run of a job names the job and bears its cost; the submission costs nothing', async () => {
    await using recording = await startRecording({}, { plugins: { 'plugins/async-jobs': {} } });
    recording.upstream.reply({ json: completion });
    const submitted = (await (await recording.post('/chat/completions', chat, { 'x-bf-async': 'true' })).json()) as {
      id: string;
    };
    const records = await recording.records(2);
    assert.deepEqual(
      records.map((one) => [one.origin, one.links.job, one.cost]),
      [
        ['gateway', undefined, null],
        ['upstream', submitted.id, 3_000_000],
      ],
    );
  });

  it('of a hit of the cache names its model, and counts as used only what the hit is charged for', async () => {
    for (const costOfHit of ['none', 'as-cached']) {
      await using recording = await startRecording({}, { plugins: { 'plugins/cache': { costOfHit } } } as never);
      recording.upstream.always({ json: completion });
      await (await recording.post('/chat/completions', chat)).text();
      await recording.records(1);
      for (let i = 0; i < 2; i++) await (await recording.post('/chat/completions', chat)).text();
      const records = await recording.records(3);
      assert.deepEqual(
        records.map(({ provider, model, links }) => [provider, model, links.cache]),
        ['miss', 'hit', 'hit'].map((cache) => ['openai', 'gpt-4o', cache]),
      );
      const calls = costOfHit === 'none' ? 1 : 3;
      const { groups } = await recording.api<{ groups: Record<string, unknown>[] }>('/records/aggregate?by=model');
      assert.deepEqual(
        groups.map(({ key, requests, inputTokens, outputTokens, costUsd }) => [
          key,
          requests,
          inputTokens,
          outputTokens,
          costUsd,
        ]),
        [['gpt-4o', 3, calls * 1_000, calls * 100, (calls * 3) / 1_000]],
      );
    }
  });

  it('holds no credential, and neither does anything else that is stored or logged', async () => {
    const canary = 'canary-7f3a9c';
    await using recording = await startRecording({ content: { default: true } });
    recording.upstream.reply({ json: completion }, { status: 401, json: { error: { message: 'bad key' } } });
    const secrets = {
      authorization: `Bearer sk-bf-${canary}`,
      'x-api-key': canary,
      'api-key': canary,
      'x-goog-api-key': canary,
      cookie: canary,
    };
    await recording.post(`/chat/completions?key=${canary}`, chat, secrets);
    await recording.post('/chat/completions', chat, secrets);
    await recording.records(2);
    const files = filesBelow(recording.gateway.dataDir).map((path) => readFileSync(path));
    for (const secret of [canary, 'sk-upstream']) {
      assert.ok(
        files.every((bytes) => !bytes.includes(secret)),
        `a file holds ${secret}`,
      );
      assert.ok(!JSON.stringify(recording.gateway.logs).includes(secret), `a log line holds ${secret}`);
    }
  });
});

describe('content', () => {
  it('is not kept unless it was turned on', async () => {
    await using recording = await startRecording();
    recording.upstream.reply({ json: completion });
    await recording.post('/chat/completions', chat, { 'x-bf-record-content': 'true' });
    const [record] = await recording.records(1);
    assert.equal((await recording.api<ShownRecord>(`/records/${record!.id}`)).content, undefined);
  });

  it('is redacted and cut to size', async () => {
    await using recording = await startRecording({ content: { default: true, redact: ['\\d{16}'], maxBytes: 300 } });
    recording.upstream.reply({ json: completion });
    await recording.post('/chat/completions', { ...chat, messages: [{ role: 'user', content: 'x'.repeat(1_000) }] });
    const [record] = await recording.records(1);
    const { content } = await recording.api<ShownRecord>(`/records/${record!.id}`);
    assert.equal(content?.truncated, true);
    assert.equal(String(content?.request).length, 300);
    assert.ok(JSON.stringify(content?.response).includes('The card is [redacted].'));
  });

  it('redacts a match that the wire hides behind escapes', async () => {
    await using recording = await startRecording({ content: { default: true, redact: ['secret-\\w+'] } });
    recording.upstream.reply({
      body: JSON.stringify(completion).replace('The card', '\\u0073ecret-word'),
      headers: { 'content-type': 'application/json' },
    });
    await recording.post('/chat/completions', chat);
    const [record] = await recording.records(1);
    const { content } = await recording.api<ShownRecord>(`/records/${record!.id}`);
    assert.ok(JSON.stringify(content?.response).includes('[redacted] is 4111'));
  });

  it('is kept of streams, as one answer in the dialect of the client', async () => {
    await using recording = await startRecording({ content: { default: true } });
    recording.upstream.reply({ events: chunks });
    await (await recording.post('/chat/completions', { ...chat, stream: true })).text();
    const [record] = await recording.records(1);
    const { content } = await recording.api<{ content: { response: typeof completion } }>(`/records/${record!.id}`);
    assert.equal(content.response.choices[0]!.message.content, 'Hello');
  });

  it('is left out when a request says so, and taken in when it may and does', async () => {
    await using recording = await startRecording({ content: { callersMayTurnOn: true } });
    const headers = [
      { 'x-bf-record-content': 'true' },
      {},
      { 'x-bf-disable-content-logging': 'true', 'x-bf-record-content': 'true' },
    ];
    for (const one of headers) {
      recording.upstream.reply({ json: completion });
      await recording.post('/chat/completions', chat, one as Record<string, string>);
    }
    const kept = await Promise.all(
      (await recording.records(3)).map((record) => recording.api<ShownRecord>(`/records/${record.id}`)),
    );
    assert.deepEqual(
      kept.map((record) => record.content !== undefined),
      [true, false, false],
    );
  });

  it('of a response can be found by its id', async () => {
    const found: unknown[] = [];
    const finder = definePlugin({
      name: 'finder',
      options: z.strictObject({}),
      requires: [recordsPort.capability],
      setup: (_, host) => ({
        routes: [
          {
            type: 'handler',
            method: 'GET',
            path: '/found/:id',
            guard: { public: true },
            async handler(context) {
              found.push(await host.port(recordsPort).findResponse(context.req.param('id') ?? '', 'anonymous'));
              return new Response();
            },
          },
        ],
      }),
    });
    await using recording = await startRecording(
      { content: { default: true } },
      { plugins: { finder: {} }, definitions: { finder } },
    );
    const reply = {
      id: 'resp_9',
      object: 'response',
      status: 'completed',
      model: 'gpt-4o',
      output: [],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    };
    recording.upstream.reply({ json: reply });
    await recording.post('/responses', { model: 'gpt-4o', input: 'hi' });
    await recording.records(1);
    await fetch(`${recording.gateway.url}/found/resp_9`);
    assert.deepEqual((found[0] as { response: unknown }).response, reply);
  });
});

describe('the queue of records', () => {
  const collecting = () => {
    const written: string[][] = [];
    return { written, append: (records: readonly ExchangeRecord[]) => void written.push(records.map((one) => one.id)) };
  };

  it('writes a batch as soon as it is full', async () => {
    const store = collecting();
    const queue = new WriteQueue(store, options, new FakeClock(), silent);
    for (let i = 0; i < 10; i++) queue.add(recordNumber(i));
    await turn();
    assert.deepEqual(
      store.written.map((batch) => batch.length),
      [10],
    );
  });

  it('writes a batch that is not full after a moment', async () => {
    const store = collecting();
    const clock = new FakeClock();
    const queue = new WriteQueue(store, options, clock, silent);
    queue.add(recordNumber(0));
    clock.advance(199);
    await turn();
    assert.equal(store.written.length, 0);
    clock.advance(1);
    await turn();
    assert.deepEqual(store.written, [['req-0']]);
  });

  it('lets the few that came during a write wait for others', async () => {
    const clock = new FakeClock();
    let written: () => void = () => undefined;
    const batches: number[] = [];
    const append = (records: readonly ExchangeRecord[]) => {
      batches.push(records.length);
      return new Promise<void>((resolve) => {
        written = resolve;
      });
    };
    const queue = new WriteQueue({ append }, options, clock, silent);
    for (let i = 0; i < 13; i++) queue.add(recordNumber(i));
    written();
    await turn();
    assert.deepEqual(batches, [10]);
    clock.advance(200);
    await turn();
    assert.deepEqual(batches, [10, 3]);
  });

  it('tries a failed write again until it succeeds, without losing or repeating a record', async () => {
    const clock = new FakeClock();
    const written: string[] = [];
    let down = true;
    const append = (records: readonly ExchangeRecord[]) => {
      if (down) throw new Error('the disk is full');
      written.push(...records.map((one) => one.id));
    };
    const queue = new WriteQueue({ append }, options, clock, silent);
    for (let i = 0; i < 25; i++) queue.add(recordNumber(i));
    for (let i = 0; i < 5; i++) {
      await turn();
      clock.advance(5_000);
    }
    down = false;
    for (let i = 0; i < 5; i++) {
      clock.advance(5_000);
      await turn();
    }
    assert.deepEqual(
      written,
      Array.from({ length: 25 }, (_, i) => `req-${i}`),
    );
    assert.equal(queue.stats().dropped, 0);
    assert.ok(queue.stats().failures >= 5);
  });

  it('counts exactly what it drops while the store hangs', async () => {
    let release: () => void = () => undefined;
    const written: string[] = [];
    const append = async (records: readonly ExchangeRecord[]) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      written.push(...records.map((one) => one.id));
    };
    const queue = new WriteQueue({ append }, { ...options, queue: 50 }, new FakeClock(), silent);
    for (let i = 0; i < 80; i++) queue.add(recordNumber(i));
    assert.deepEqual(queue.stats(), { queued: 50, written: 0, dropped: 30, failures: 0 });
    for (let i = 0; i < 10; i++) {
      release();
      await turn();
    }
    assert.equal(written.length, 50);
    assert.equal(queue.stats().written + queue.stats().dropped, 80);
  });

  it('gives the store the same records, however long they waited', async () => {
    let release: () => void = () => undefined;
    const written: ExchangeRecord[] = [];
    const append = async (records: readonly ExchangeRecord[]) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      written.push(...records);
    };
    const queue = new WriteQueue({ append }, { ...options, queue: 100 }, new FakeClock(), silent);
    const records = Array.from({ length: 40 }, (_, i) =>
      recordNumber(i, { cost: i % 2 === 0 ? 'unknown' : i, metadata: { note: '"ü"' }, usage: { input: i, output: 0 } }),
    );
    for (const record of records) queue.add(record);
    for (let i = 0; i < 8; i++) {
      release();
      await turn();
    }
    assert.deepEqual(written, records);
  });

  it('writes what waits before it closes', async () => {
    const store = collecting();
    const queue = new WriteQueue(store, options, new FakeClock(), silent);
    for (let i = 0; i < 25; i++) queue.add(recordNumber(i));
    await queue.close(1_000);
    assert.equal(store.written.flat().length, 25);
  });

  it('counts every record as dropped that a store refuses while it closes', async () => {
    const append = async (): Promise<void> => {
      throw new Error('the disk is full');
    };
    const queue = new WriteQueue({ append }, options, new FakeClock(), silent);
    // A batch is on its way to the store, and others wait behind it.
    for (let i = 0; i < 300; i++) queue.add(recordNumber(i));
    await queue.close(1_000);
    assert.deepEqual({ ...queue.stats(), failures: 0 }, { queued: 0, written: 0, dropped: 300, failures: 0 });
  });

  it('does not wait for a store that hangs when it closes', async () => {
    const clock = new FakeClock();
    const queue = new WriteQueue({ append: () => new Promise<void>(() => undefined) }, options, clock, silent);
    for (let i = 0; i < 25; i++) queue.add(recordNumber(i));
    const closing = queue.close(1_000);
    clock.advance(1_000);
    await closing;
    assert.equal(queue.stats().dropped, 25);
  });

  it('keeps a store that is down from costing any request', async () => {
    const broken = definePlugin({
      name: 'broken-store',
      options: z.strictObject({}),
      provides: [recordsPort.capability],
      setup: () => ({
        ports: [bind(recordsPort, { append: () => Promise.reject(new Error('down')), prune: () => 0 } as never)],
      }),
    });
    await using recording = await startRecording(
      {},
      { plugins: { 'broken-store': {} }, definitions: { 'broken-store': broken } },
    );
    recording.upstream.always({ json: completion });
    const replies = await Promise.all(Array.from({ length: 20 }, () => recording.post('/chat/completions', chat)));
    assert.ok(replies.every((reply) => reply.status === 200));
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
}
