import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { GatewayError } from '../../plugin-sdk/index.ts';
import type { ExchangeRecord, RecordQuery } from '../../plugin-sdk/ports/records.ts';
import { Histogram } from '../../plugins/store-lmdb/records/histogram.ts';
import { openStore, recordNumber, start } from './record-store.ts';

const newest = { filter: {}, sort: 'time', order: 'desc', limit: 50 } as const satisfies RecordQuery;

const whole = recordNumber(1, {
  operation: 'responses',
  dialect: 'openai.responses',
  stream: true,
  caller: { id: 'vk-7', kind: 'virtual-key', name: 'Shop', team: 'web', customer: 'acme' },
  clientModel: 'openai/gpt-5',
  provider: 'openai',
  model: 'gpt-5',
  key: 'main',
  status: 502,
  error: 'UP_STREAM_CUT',
  finish: 'length',
  clientGone: true,
  durationMs: 1_234.5,
  queueMs: 3.25,
  connectMs: 12.5,
  firstContentMs: 350.25,
  firstByteMs: 351,
  attempts: [
    {
      provider: 'anthropic',
      model: 'claude-opus-5',
      result: 'failed',
      status: 529,
      error: 'UP_STATUS',
      durationMs: 40.5,
    },
    {
      provider: 'openai',
      model: 'gpt-5',
      key: 'main',
      result: 'ok',
      status: 200,
      durationMs: 1_100,
      firstContentMs: 310.75,
    },
  ],
  usage: {
    input: 1_000,
    output: 500,
    cachedInput: 200,
    cacheWriteInput: 100,
    reasoning: 50,
    searches: 2,
    serviceTier: 'flex',
  },
  cost: 12_345_678,
  priceVersion: '2026-11-21',
  chunks: 88,
  bytesIn: 4_096,
  bytesOut: 65_537,
  lossy: ['messages[2].content[0].input_audio'],
  links: { cache: 'miss', job: 'job-1', parent: 'req-0', response: 'resp_1' },
  metadata: { tenant: 'blå', trace: '1' },
  decisions: [{ atMs: 0.5, by: 'plugins/key-pool', what: 'chose a key', details: { key: 'main' } }],
  content: { request: { input: 'hi' }, response: { id: 'resp_1' }, truncated: false },
});

async function idsOf(
  query: RecordQuery,
  store: { query(query: RecordQuery): Promise<{ records: readonly ExchangeRecord[] }> },
) {
  return (await store.query(query)).records.map((record) => record.id);
}

describe('the store of records', () => {
  it('gives a record back as it was, content included', async (test) => {
    const { store, reopen } = openStore(test);
    await store.append([whole]);
    assert.deepEqual(store.get('req-1'), whole);
    assert.deepEqual((await reopen()).get('req-1'), whole);
  });

  it('leaves the content out of lists', async (test) => {
    const { store } = openStore(test);
    await store.append([whole]);
    const { content: _, ...rest } = whole;
    assert.deepEqual((await store.query(newest)).records, [rest]);
  });

  it('keeps a usual record in less than a kilobyte', async (test) => {
    const { store } = openStore(test);
    const { content: _, ...usual } = whole;
    await store.append([usual]);
    assert.ok(store.stats().bytes < 900, `${store.stats().bytes} bytes`);
  });

  it('tells an unknown cost, no cost and a cost of 0 apart', async (test) => {
    const { store } = openStore(test);
    await store.append([recordNumber(0, { cost: 'unknown' }), recordNumber(1), recordNumber(2, { cost: 0 })]);
    assert.deepEqual(
      [0, 1, 2].map((i) => store.get(`req-${i}`)?.cost),
      ['unknown', undefined, 0],
    );
    assert.deepEqual(await idsOf({ ...newest, filter: { unknownCost: true } }, store), ['req-0']);
  });

  it('lists the newest first, page by page, without gap or repetition', async (test) => {
    const { store } = openStore(test);
    await store.append(Array.from({ length: 1_300 }, (_, i) => recordNumber(i)));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.query({ ...newest, limit: 100, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.records.map((record) => record.id));
      cursor = page.next;
    } while (cursor !== undefined);
    assert.deepEqual(
      seen,
      Array.from({ length: 1_300 }, (_, i) => `req-${1_299 - i}`),
    );
  });

  it('lists by start time although long exchanges are stored after short ones that began later', async (test) => {
    const { store } = openStore(test);
    const records = Array.from({ length: 1_200 }, (_, i) => recordNumber(i));
    const late = records.splice(3, 1)[0]!;
    await store.append([...records, late]);
    assert.deepEqual(await idsOf({ ...newest, order: 'asc', limit: 5 }, store), [
      'req-0',
      'req-1',
      'req-2',
      'req-3',
      'req-4',
    ]);
  });

  it('sorts by duration, cost and tokens', async (test) => {
    const { store } = openStore(test);
    await store.append([
      recordNumber(0, { durationMs: 30, cost: 1, usage: { input: 2, output: 0 } }),
      recordNumber(1, { durationMs: 10, cost: 3, usage: { input: 1, output: 0 } }),
      recordNumber(2, { durationMs: 20, cost: 2, usage: { input: 0, output: 3 } }),
    ]);
    const by = (sort: RecordQuery['sort'], order: RecordQuery['order']) => idsOf({ ...newest, sort, order }, store);
    assert.deepEqual(await by('duration', 'desc'), ['req-0', 'req-2', 'req-1']);
    assert.deepEqual(await by('cost', 'desc'), ['req-1', 'req-2', 'req-0']);
    assert.deepEqual(await by('tokens', 'asc'), ['req-1', 'req-0', 'req-2']);
  });

  it('finds exactly what a plain filter over all records finds', async (test) => {
    const { store } = openStore(test);
    const records = Array.from({ length: 700 }, (_, i) =>
      recordNumber(i, {
        provider: i % 2 === 0 ? 'openai' : 'anthropic',
        status: i % 5 === 0 ? 429 : 200,
        stream: i % 3 === 0,
        durationMs: i % 100,
        caller: { id: `vk-${i % 7}`, kind: 'virtual-key' },
        ...(i % 4 === 0 ? { cost: i } : {}),
        metadata: i % 6 === 0 ? { tenant: `t${i % 4}` } : {},
      }),
    );
    await store.append(records);
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            provider: fc.subarray(['openai', 'anthropic', 'nobody'], { minLength: 1 }),
            caller: fc.constantFrom('vk-0', 'vk-3', 'vk-9'),
            status: fc.constantFrom('200', '429'),
            stream: fc.boolean(),
            failed: fc.boolean(),
            maxDurationMs: fc.integer({ min: 0, max: 100 }),
            minCost: fc.integer({ min: 0, max: 700 }),
            from: fc.integer({ min: 0, max: 700 }),
            tenant: fc.constantFrom('t0', 't2'),
          },
          { requiredKeys: [] },
        ),
        async ({ provider, caller, status, stream, failed, maxDurationMs, minCost, from, tenant }) => {
          const is = {
            ...(provider && { provider }),
            ...(caller && { caller: [caller] }),
            ...(status && { status: [status] }),
          };
          const filter = {
            is,
            ...(stream === undefined ? {} : { stream }),
            ...(failed === undefined ? {} : { failed }),
            ...(maxDurationMs === undefined ? {} : { maxDurationMs }),
            ...(minCost === undefined ? {} : { minCost }),
            ...(from === undefined ? {} : { from: start + from * 1_000 }),
            ...(tenant === undefined ? {} : { metadata: { tenant } }),
          };
          const expected = records.filter(
            (one) =>
              (provider === undefined || provider.includes(one.provider!)) &&
              (caller === undefined || one.caller.id === caller) &&
              (status === undefined || one.status === Number(status)) &&
              (stream === undefined || one.stream === stream) &&
              (failed === undefined || one.status >= 400 === failed) &&
              (maxDurationMs === undefined || one.durationMs <= maxDurationMs) &&
              (minCost === undefined || (typeof one.cost === 'number' && one.cost >= minCost)) &&
              (from === undefined || one.time >= start + from * 1_000) &&
              (tenant === undefined || one.metadata['tenant'] === tenant),
          );
          assert.deepEqual(
            await idsOf({ ...newest, order: 'asc', limit: 1_000, filter }, store),
            expected.map((one) => one.id),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('finds a text in ids, models, keys, callers, errors and metadata, whatever its case', async (test) => {
    const { store } = openStore(test);
    const attempt = { provider: 'azure', model: 'm', result: 'failed', error: 'UP_TIMEOUT', durationMs: 1 } as const;
    await store.append([
      recordNumber(0, { model: 'claude-Sonnet-5', provider: 'anthropic', key: 'main' }),
      recordNumber(1, { error: 'LIMIT_BUDGET', status: 402, clientModel: 'sonnet' }),
      recordNumber(2, { caller: { id: 'vk-9', kind: 'virtual-key', name: 'Größe "Shop"', team: 'growth' } }),
      recordNumber(3, { metadata: { tenant: 'Blue-7' }, links: { job: 'job_abc', parent: 'req-0' } }),
      recordNumber(4, { attempts: [attempt], durationMs: 7_777, finish: 'stop' }),
    ]);
    const found = (text: string, filter: RecordQuery['filter'] = {}) =>
      idsOf({ ...newest, order: 'asc', filter: { ...filter, text } }, store);
    assert.deepEqual(await found('SONNET'), ['req-0', 'req-1']);
    assert.deepEqual(await found('sonnet', { failed: true }), ['req-1']);
    assert.deepEqual(await found('limit_b'), ['req-1']);
    assert.deepEqual(await found('größe "shop'), ['req-2']);
    assert.deepEqual(await found('grow'), ['req-2']);
    assert.deepEqual(await found('blue'), ['req-3']);
    assert.deepEqual(await found('tenant'), ['req-3']);
    assert.deepEqual(await found('job_a'), ['req-3']);
    assert.deepEqual(await found('EQ-0'), ['req-0', 'req-3']);
    assert.deepEqual(await found('req-0'), ['req-0'], 'a whole id means that record');
    assert.deepEqual(await found('req-0', { failed: true }), []);
    assert.deepEqual(await found('timeout'), ['req-4']);
    for (const nothing of ['7777', 'openai.chat', '1-aaaa', 'virtual-key', 'nobody'])
      assert.deepEqual(await found(nothing), [], nothing);
    const [group] = await store.aggregate({ filter: { text: 'sonnet' }, limit: 1 });
    assert.equal(group?.requests, 2);
  });

  it('adds up requests, errors, tokens and cost by value and time', async (test) => {
    const { store } = openStore(test);
    await store.append([
      recordNumber(0, { model: 'a', cost: 5, usage: { input: 10, output: 1, cachedInput: 4 } }),
      recordNumber(1, { model: 'a', status: 500, cost: 'unknown', durationMs: 100 }),
      recordNumber(60, { model: 'a', cost: 7, firstContentMs: 5 }),
      recordNumber(61, { model: 'b' }),
    ]);
    const groups = await store.aggregate({ filter: {}, by: 'model', bucket: { count: 1, unit: 'm' }, limit: 10 });
    const shown = groups.map((one) => [
      one.key,
      one.time! - start,
      one.requests,
      one.errors,
      one.inputTokens,
      one.cachedTokens,
      one.cost,
      one.unknownCosts,
    ]);
    assert.deepEqual(shown, [
      ['a', 0, 2, 1, 10, 4, 5, 1],
      ['a', 60_000, 1, 0, 0, 0, 7, 0],
      ['b', 60_000, 1, 0, 0, 0, 0, 0],
    ]);
  });

  it('adds up by months, quarters and years of the calendar, and by weeks from Monday', async (test) => {
    const days = ['2026-01-31T23:59:59.999Z', '2026-02-01', '2026-02-28', '2026-03-01', '2026-11-22', '2026-11-23'];
    const { store } = openStore(test);
    await store.append(days.map((day, i) => recordNumber(i, { time: Date.parse(day) })));
    const starts = async (unit: 'w' | 'M' | 'Q' | 'Y') =>
      (await store.aggregate({ filter: { from: 0 }, bucket: { count: 1, unit }, limit: 10 })).map(
        ({ time, requests }) => `${new Date(time!).toISOString().slice(0, 10)} ${requests}`,
      );
    assert.deepEqual(await starts('M'), ['2026-01-01 1', '2026-02-01 2', '2026-03-01 1', '2026-11-01 2']);
    assert.deepEqual(await starts('Q'), ['2026-01-01 4', '2026-10-01 2']);
    assert.deepEqual(await starts('Y'), ['2026-01-01 6']);
    assert.deepEqual(await starts('w'), ['2026-01-26 2', '2026-02-23 2', '2026-11-16 1', '2026-11-23 1']);
  });

  it('counts a stream that broke after its head as failed, and one whose client left as served', async (test) => {
    const { store } = openStore(test);
    await store.append([
      recordNumber(0),
      recordNumber(1, { status: 502, error: 'UP_CONNECT' }),
      recordNumber(2, { stream: true, error: 'UP_STREAM_CUT' }),
      recordNumber(3, { stream: true, error: 'CLIENT_GONE', clientGone: true }),
    ]);
    const inOrder = { ...newest, order: 'asc' } as const;
    assert.deepEqual(await idsOf({ ...inOrder, filter: { failed: true } }, store), ['req-1', 'req-2']);
    assert.deepEqual(await idsOf({ ...inOrder, filter: { failed: false } }, store), ['req-0', 'req-3']);
    assert.equal((await store.aggregate({ filter: {}, limit: 10 }))[0]?.errors, 2);
  });

  it('adds the small groups beyond the limit up as one', async (test) => {
    const { store } = openStore(test);
    await store.append(['a', 'a', 'a', 'b', 'b', 'c', 'd'].map((model, i) => recordNumber(i, { model })));
    const groups = await store.aggregate({ filter: {}, by: 'model', limit: 2 });
    assert.deepEqual(
      groups.map((one) => [one.key, one.requests]),
      [
        ['a', 3],
        ['b', 2],
        [undefined, 2],
      ],
    );
  });

  it('gives what came after a position, to the last record and no further', async (test) => {
    const { store } = openStore(test);
    await store.append([recordNumber(0)]);
    const { position } = store.follow(undefined, 10);
    await store.append([recordNumber(1), recordNumber(2), recordNumber(3)]);
    const first = store.follow(position, 2);
    assert.deepEqual(
      first.records.map((one) => one.id),
      ['req-1', 'req-2'],
    );
    const second = store.follow(first.position, 2);
    assert.deepEqual(
      second.records.map((one) => one.id),
      ['req-3'],
    );
    assert.deepEqual(store.follow(second.position, 2), { records: [], position: second.position });
  });

  it('removes what is too old and nothing else', async (test) => {
    const { store } = openStore(test);
    await store.append(Array.from({ length: 1_100 }, (_, i) => recordNumber(i)));
    assert.equal(await store.prune({ before: start + 600_000 }), 600);
    assert.equal(store.get('req-599'), undefined);
    assert.equal(store.get('req-600')?.id, 'req-600');
    assert.deepEqual(store.stats().records, 500);
    assert.deepEqual(await idsOf({ ...newest, order: 'asc', limit: 1 }, store), ['req-600']);
    assert.equal((await store.aggregate({ filter: {}, limit: 1 }))[0]?.requests, 500);
    await store.append([recordNumber(2_000)]);
    assert.equal(store.get('req-2000')?.id, 'req-2000');
  });

  it('removes the oldest when the store is too large', async (test) => {
    const { store } = openStore(test);
    await store.append(Array.from({ length: 2_048 }, (_, i) => recordNumber(i)));
    const { bytes } = store.stats();
    await store.prune({ maxBytes: bytes / 2 });
    assert.ok(store.stats().bytes <= bytes / 2);
    assert.equal(store.get('req-2047')?.id, 'req-2047');
    assert.equal(store.get('req-0'), undefined);
  });

  it('gives a stored reply to the caller who got it and to nobody else', async (test) => {
    const { store } = openStore(test);
    await store.append([whole]);
    assert.deepEqual(store.findResponse('resp_1', 'vk-7')?.response, { id: 'resp_1' });
    assert.equal(store.findResponse('resp_1', 'vk-8'), undefined);
    assert.equal(store.findResponse('resp_2', 'vk-7'), undefined);
  });

  it('takes a record whose reply has an id longer than a key of the store, and finds and removes it by that id', async (test) => {
    const { store } = openStore(test);
    const id = `resp_${'x'.repeat(5_000)}`;
    const links = { ...whole.links, response: id };
    await store.append([{ ...whole, links }, recordNumber(2)]);
    assert.deepEqual(store.findResponse(id, 'vk-7')?.response, { id: 'resp_1' });
    assert.equal(store.findResponse(`${id}y`, 'vk-7'), undefined);
    assert.deepEqual(await idsOf({ ...newest, filter: { text: id } }, store), ['req-1']);
    assert.equal(store.get(id), undefined);
    await store.prune({ before: start + 2_000 });
    assert.equal(store.findResponse(id, 'vk-7'), undefined);
    assert.deepEqual(await idsOf(newest, store), ['req-2']);
  });

  it('does not give back a reply that was cut to size', async (test) => {
    const { store } = openStore(test);
    await store.append([{ ...whole, content: { request: {}, response: '{"id":"re', truncated: true } }]);
    assert.equal(store.findResponse('resp_1', 'vk-7'), undefined);
  });

  it('corrects costs in lists and in sums', async (test) => {
    const { store } = openStore(test);
    await store.append([recordNumber(0, { cost: 'unknown' }), recordNumber(1, { cost: 5 })]);
    await store.setCosts([
      { id: 'req-0', cost: 7, priceVersion: 'new' },
      { id: 'gone', cost: 1 },
    ]);
    assert.deepEqual([store.get('req-0')?.cost, store.get('req-0')?.priceVersion], [7, 'new']);
    assert.equal((await store.aggregate({ filter: {}, limit: 1 }))[0]?.cost, 12);
  });

  it('takes records of several processes at once, each exactly once', async (test) => {
    const { dataDir, store } = openStore(test);
    const writer = fileURLToPath(new URL('record-writer.ts', import.meta.url));
    const run = promisify(execFile);
    await Promise.all(['a', 'b', 'c'].map((name) => run(process.execPath, [writer, dataDir, name, '400'])));
    const [all] = await store.aggregate({ filter: {}, limit: 1 });
    assert.deepEqual([all?.requests, all?.cost, store.stats().records], [1_200, 1_200, 1_200]);
    for (const name of ['a', 'b', 'c']) {
      for (const i of [0, 19, 399]) assert.equal(store.get(`${name}-${i}`)?.model, `model-of-${name}-${i % 20}`);
    }
    const groups = await store.aggregate({ filter: {}, by: 'model', limit: 100 });
    assert.deepEqual([groups.length, ...new Set(groups.map((one) => one.requests))], [60, 20]);
  });

  it('refuses a cursor that is none', async (test) => {
    const { store } = openStore(test);
    await assert.rejects(
      store.query({ ...newest, cursor: 'nonsense' }),
      (error: GatewayError) => error.code === 'REQ_INVALID',
    );
  });
});

describe('a histogram', () => {
  it('is within 2 % of the true percentile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.5, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.add(value);
          const sorted = [...values].sort((a, b) => a - b);
          for (const [name, share] of [
            ['p50', 0.5],
            ['p90', 0.9],
            ['p99', 0.99],
          ] as const) {
            const exact = sorted[Math.ceil(sorted.length * share) - 1]!;
            const found = histogram.percentiles()[name]!;
            assert.ok(Math.abs(found - exact) <= exact * 0.02 + 0.02, `${name}: ${found} for ${exact}`);
          }
        },
      ),
    );
  });

  it('says nothing when nothing was measured', () => {
    assert.deepEqual(new Histogram().percentiles(), { p50: undefined, p90: undefined, p99: undefined });
  });
});
