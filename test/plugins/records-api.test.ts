import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { bind, callerSlot, definePlugin, GatewayError } from '../../plugin-sdk/index.ts';
import { callersPort } from '../../plugin-sdk/ports/callers.ts';
import { readList } from '../../plugins/records/query-parameters.ts';
import { chat, completion, type ShownRecord, startRecording } from './record-gateway.ts';

/** Callers who simply say who they are. */
const identity = definePlugin({
  name: 'identity',
  options: z.strictObject({}),
  provides: [callersPort.capability],
  setup: () => ({
    ports: [
      bind(callersPort, {
        identify({ headers }) {
          const id = headers.get('x-who');
          if (id === undefined) throw new GatewayError('AUTH_MISSING', {});
          return { id, kind: 'virtual-key' };
        },
      }),
    ],
    hooks: {
      preRoute(exchange) {
        const id = exchange.request.headers.get('x-who');
        if (id !== undefined) exchange.set(callerSlot, { id, kind: 'virtual-key' });
      },
    },
  }),
});

const startIdentified = () => startRecording({}, { plugins: { identity: {} }, definitions: { identity } });
type Recording = Awaited<ReturnType<typeof startRecording>>;

async function make(
  recording: Recording,
  calls: readonly { headers?: Record<string, string>; script?: object }[],
): Promise<ShownRecord[]> {
  for (const { headers = {}, script = { json: completion } } of calls) {
    recording.upstream.reply(script);
    await (await recording.post('/chat/completions', chat, headers)).text();
  }
  return recording.records(calls.length);
}

const failure = { script: { status: 400, json: { error: { message: 'no' } } } };

describe('the query API', () => {
  it('refuses whoever has no admin token', async () => {
    await using recording = await startRecording();
    for (const path of ['', '/x', '/aggregate', '/export', '/live', '/stats']) {
      for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
        assert.equal((await fetch(`${recording.gateway.url}/api/records${path}`, { headers })).status, 401, path);
      }
    }
  });

  it('filters, sorts and pages by what the parameters say', async () => {
    await using recording = await startIdentified();
    await make(recording, [
      { headers: { 'x-who': 'a' } },
      { headers: { 'x-who': 'b', 'x-bf-lh-tenant': 'blue' } },
      failure,
    ]);
    const ids = async (query: string) =>
      (await recording.api<{ records: ShownRecord[] }>(`/records?${query}`)).records.map((one) => one.caller.id);
    assert.deepEqual(await ids('caller=a&caller=b&order=asc'), ['a', 'b']);
    assert.deepEqual(await ids('failed=true'), ['anonymous']);
    assert.deepEqual(await ids('metadata.tenant=blue'), ['b']);
    assert.deepEqual(await ids('metadata.__proto__=blue'), []);
    assert.deepEqual(await ids('status=200&caller=b'), ['b']);
    assert.deepEqual(await ids('q=BLUE'), ['b']);
    assert.deepEqual(await ids('q=up_status'), ['anonymous']);
    assert.deepEqual(await ids('minCostUsd=0.003&sort=cost'), ['b', 'a']);
    assert.deepEqual(await ids('last=1h&limit=1'), ['anonymous']);
    assert.deepEqual(await ids('to=2000-01-01'), []);
    const first = await recording.api<{ next: string }>('/records?limit=2');
    assert.deepEqual(await ids(`limit=2&cursor=${first.next}`), ['a']);
  });

  it('names the parameter that is wrong', async () => {
    await using recording = await startRecording();
    for (const [query, name] of [
      ['limit=0', 'limit'],
      ['form=x', 'form'],
      ['from=yesterday', 'from'],
      ['from=now-1', 'from'],
      ['from=2026-02-30T12:00:00Z', 'from'],
      ['from=-5', 'from'],
      ['to=11/12/2026', 'to'],
      ['to=2026-11-21T12:00:00+01:00', 'to'],
      ['sort=id', 'sort'],
      ['cursor=x', 'cursor'],
      ['constructor=x', 'constructor'],
      ['__proto__=x', '__proto__'],
      ['status=abc', 'status'],
      ['sort=time&sort=cost', 'sort'],
    ]) {
      const response = await fetch(`${recording.gateway.url}/api/records?${query}`, { headers: recording.admin });
      const { error } = (await response.json()) as { error: { param: string; message: string } };
      assert.equal(response.status, 400);
      assert.equal(error.param, name, error.message);
    }
  });

  it('takes a time without a zone as UTC, wherever the gateway runs', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'America/New_York';
    try {
      const from = (text: string) => readList(new Map([['from', [text]]]), 0).filter.from;
      const noon = Date.UTC(2026, 10, 21, 12);
      assert.equal(new Date(noon).getHours(), 7, 'the zone is set');
      for (const text of ['2026-11-21T12:00', '2026-11-21T12:00:00', '2026-11-21 12:00:00.000', '2026-11-21T12:00:00Z'])
        assert.equal(from(text), noon, text);
      assert.equal(from('2026-11-21T13:00:00+01:00'), noon);
      assert.equal(from('2026-11-21'), Date.UTC(2026, 10, 21));
      assert.equal(from(String(noon)), noon);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('has no place for contents in a table, and says so', async () => {
    await using recording = await startRecording();
    const url = `${recording.gateway.url}/api/records/export?format=csv&content=true`;
    const response = await fetch(url, { headers: recording.admin });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /content needs format=ndjson/);
  });

  it('gives one record, and 404 for one that is not there', async () => {
    await using recording = await startRecording();
    const [record] = await make(recording, [{}]);
    assert.equal((await recording.api<ShownRecord>(`/records/${record!.id}`)).id, record!.id);
    assert.equal((await fetch(`${recording.gateway.url}/api/records/none`, { headers: recording.admin })).status, 404);
  });

  it('adds up by a dimension and over time', async () => {
    await using recording = await startIdentified();
    await make(recording, [
      { headers: { 'x-who': 'a' } },
      { headers: { 'x-who': 'a' } },
      { headers: { 'x-who': 'b' } },
    ]);
    const { groups } = await recording.api<{
      groups: { key: string; requests: number; costUsd: number; durationMs: { p99: number } }[];
    }>('/records/aggregate?by=caller');
    assert.deepEqual(
      groups.map((one) => [one.key, one.requests, one.costUsd]),
      [
        ['a', 2, 0.006],
        ['b', 1, 0.003],
      ],
    );
    assert.ok(groups.every((one) => one.durationMs.p99 > 0));
    const over = await recording.api<{ groups: { time: string; requests: number }[] }>(
      '/records/aggregate?bucket=1d&last=2d',
    );
    assert.equal(
      over.groups.reduce((sum, one) => sum + one.requests, 0),
      3,
    );
    assert.match(over.groups[0]!.time, /T00:00:00\.000Z$/);
  });

  it('refuses more time buckets than a chart can show', async () => {
    await using recording = await startRecording();
    const response = await fetch(`${recording.gateway.url}/api/records/aggregate?bucket=1s&last=30d`, {
      headers: recording.admin,
    });
    assert.equal(response.status, 400);
  });

  it('exports lines of JSON', async () => {
    await using recording = await startRecording();
    const records = await make(recording, [{}, {}]);
    const response = await fetch(`${recording.gateway.url}/api/records/export`, { headers: recording.admin });
    assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).id),
      records.map((one) => one.id),
    );
  });

  it('exports CSV that a spreadsheet does not run', async () => {
    await using recording = await startIdentified();
    await make(recording, [{ headers: { 'x-who': '=1+1,"x"' } }]);
    const response = await fetch(`${recording.gateway.url}/api/records/export?format=csv`, {
      headers: recording.admin,
    });
    const [head, line, end] = (await response.text()).split('\r\n');
    assert.ok(head!.startsWith('id,time,operation,'));
    assert.ok(line!.includes(',"\'=1+1,""x""",'), line!);
    assert.equal(end, '');
  });

  it('sends records to listeners as they come, and on from the last one seen', async () => {
    await using recording = await startRecording();
    const listen = async (headers: Record<string, string>) => {
      const controller = new AbortController();
      const response = await fetch(`${recording.gateway.url}/api/records/live`, {
        headers: { ...recording.admin, ...headers },
        signal: controller.signal,
      });
      const reader = response.body!.getReader();
      const decoder = new TextDecoder();
      let text = '';
      return {
        async until(pattern: RegExp): Promise<RegExpExecArray> {
          for (;;) {
            const match = pattern.exec(text);
            if (match !== null) return match;
            const { value, done } = await reader.read();
            assert.equal(done, false, `the feed ended without ${pattern}`);
            text += decoder.decode(value, { stream: true });
          }
        },
        stop: () => controller.abort(),
      };
    };
    const first = await listen({});
    await first.until(/listening/);
    const [record] = await make(recording, [{}]);
    const [, shown] = await first.until(/event: record\ndata: (.*)\n\n/);
    assert.equal(JSON.parse(shown!).id, record!.id);
    const [, position] = await first.until(/\nid: (\d+)\n/);
    first.stop();
    await make(recording, [{}]);
    const [, next] = await recording.records(2);
    const second = await listen({ 'last-event-id': position! });
    const [, later] = await second.until(/event: record\ndata: (.*)\n\n/);
    assert.equal(JSON.parse(later!).id, next!.id);
    second.stop();
  });

  it('counts nobody as a listener who asks for the head of the feed alone', async () => {
    await using recording = await startRecording();
    const url = `${recording.gateway.url}/api/records/live`;
    for (let i = 0; i < 51; i++) {
      const head = await fetch(url, { method: 'HEAD', headers: recording.admin });
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('content-type'), 'text/event-stream');
    }
    const controller = new AbortController();
    const response = await fetch(url, { headers: recording.admin, signal: controller.signal });
    assert.equal(response.status, 200);
    controller.abort();
  });

  it('says how the queue and the store are', async () => {
    await using recording = await startRecording();
    await make(recording, [{}]);
    const { queue, store } = await recording.api<{ queue: object; store: { records: number } }>('/records/stats');
    assert.deepEqual(queue, { queued: 0, written: 1, dropped: 0, failures: 0 });
    assert.equal(store.records, 1);
  });
});

describe("a caller's own records", () => {
  it('are all that it sees, whatever it asks for', async () => {
    await using recording = await startIdentified();
    const records = await make(recording, [{ headers: { 'x-who': 'a' } }, { headers: { 'x-who': 'b' } }]);
    const mine = async <T>(path: string): Promise<T> =>
      (await fetch(`${recording.gateway.url}/api/my/records${path}`, { headers: { 'x-who': 'a' } })).json() as T;
    for (const query of ['', '?caller=b', '?caller=a&caller=b']) {
      const { records: own } = await mine<{ records: ShownRecord[] }>(query);
      assert.deepEqual(
        own.map((one) => one.caller.id),
        ['a'],
        query,
      );
    }
    const { groups } = await mine<{ groups: { key: string }[] }>('/aggregate?by=caller');
    assert.deepEqual(
      groups.map((one) => one.key),
      ['a'],
    );
    const foreign = records.find((one) => one.caller.id === 'b')!;
    assert.equal((await mine<{ error: { code: string } }>(`/${foreign.id}`)).error.code, 'not_found');
  });

  it('are found by the virtual key that made them', async () => {
    const governance = {
      required: true,
      virtualKeys: [
        { id: 'shop', name: 'Shop', value: 'sk-bf-shop' },
        { id: 'old', name: 'Old', value: 'sk-bf-old', active: false },
      ],
    };
    await using recording = await startRecording({}, { plugins: { 'plugins/governance': governance } });
    await make(recording, [{ headers: { 'x-bf-vk': 'sk-bf-shop' } }]);
    const ask = (key: string) => fetch(`${recording.gateway.url}/api/my/records`, { headers: { 'x-bf-vk': key } });
    const { records } = (await (await ask('sk-bf-shop')).json()) as { records: ShownRecord[] };
    assert.deepEqual(
      records.map((one) => [one.caller.id, one.costUsd]),
      [['shop', 0.003]],
    );
    assert.deepEqual([(await ask('sk-bf-unknown')).status, (await ask('sk-bf-old')).status], [401, 403]);
  });

  it('are for identified callers only', async () => {
    await using recording = await startIdentified();
    assert.equal((await fetch(`${recording.gateway.url}/api/my/records`)).status, 401);
  });

  it('are refused while nothing identifies callers', async () => {
    await using recording = await startRecording();
    assert.equal(
      (await fetch(`${recording.gateway.url}/api/my/records`, { headers: { authorization: 'Bearer x' } })).status,
      401,
    );
  });
});
