import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

/** How often the server is killed; 50 shows it thoroughly and takes about two minutes. */
const kills = Number(process.env['JOBS_KILLS'] ?? 6);
const key = 'sk-bf-crash-test';
const headers = { 'content-type': 'application/json', 'x-bf-vk': key };

interface Server {
  readonly url: string;
  readonly child: ChildProcess;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'jobs-crash-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function plugins(upstream: Upstream, options: Record<string, unknown> = {}): string {
  return JSON.stringify({
    'routes/openai': {},
    'providers/openai': upstream.provider(),
    'plugins/governance': {
      virtualKeys: [
        {
          id: 'crash',
          name: 'crash',
          value: key,
          rateLimits: [{ tokens: 1_000_000_000, requests: 1_000_000, period: '1d' }],
        },
      ],
    },
    'plugins/async-jobs': { pollMs: 20, leaseSeconds: 5, concurrency: 40, perCaller: 40, ...options },
  });
}

async function serve(t: TestContext, dataDir: string, config: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'async-jobs-child.ts'), [dataDir, '0', config], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { url: string }).url));
    child.once('exit', () => reject(new Error('the server did not start')));
  });
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exit;
  };
  return { url, child, end };
}

async function upstreamThatTakes(t: TestContext, ms: number): Promise<Upstream> {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  upstream.always((request) => {
    const content = (request.json as { messages: { content: string }[] }).messages[0]!.content;
    return {
      delayMs: ms * (0.5 + Math.random()),
      json: {
        id: `chatcmpl-${content}`,
        object: 'chat.completion',
        created: 1,
        model: 'gpt',
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 },
      },
    };
  });
  return upstream;
}

const bodyOf = (name: string): string =>
  JSON.stringify({ model: 'gpt', max_tokens: 20, messages: [{ role: 'user', content: name }] });

/** Submits until somebody takes it; the key makes a repeat harmless. */
async function submit(url: () => string, name: string): Promise<string> {
  for (;;) {
    try {
      const reply = await fetch(`${url()}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { ...headers, 'x-bf-async': 'true', 'idempotency-key': name },
        body: bodyOf(name),
      });
      assert.equal(reply.status, 200);
      const id = reply.headers.get('x-bf-async-id');
      await reply.text();
      return id!;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await sleep(20);
    }
  }
}

async function poll(url: () => string, id: string): Promise<{ status: string | null; content: string | undefined }> {
  const reply = await fetch(`${url()}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { ...headers, 'x-bf-async-id': id },
    body: '{}',
  });
  const json = (await reply.json()) as { choices?: { message: { content: string } }[] };
  return {
    status: reply.headers.get('x-bf-async-status') ?? String(reply.status),
    content: json.choices?.[0]?.message.content,
  };
}

async function untilAllEnd(url: () => string, ids: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, id] of ids) {
    for (;;) {
      const state = await poll(url, id).catch(() => undefined);
      if (state?.status === 'completed') {
        assert.equal(state.content, name);
        break;
      }
      assert.ok(
        state === undefined || state.status === 'pending' || state.status === 'processing',
        `job ${id} is ${state?.status}`,
      );
      await sleep(50);
    }
  }
}

async function quota(url: string): Promise<Record<string, { used: number; reserved: number }>> {
  const reply = await fetch(`${url}/api/quota`, { headers });
  const { accounts } = (await reply.json()) as { accounts: { unit: string; used: number; reserved: number }[] };
  return Object.fromEntries(accounts.map((account) => [account.unit, account]));
}

test('ends every job once and charges it once, however often the server is killed', { timeout: 600_000 }, async (t) => {
  const dataDir = folder(t);
  const upstream = await upstreamThatTakes(t, 300);
  const config = plugins(upstream);
  let server = await serve(t, dataDir, config);
  const url = (): string => server.url;
  const ids = new Map<string, string>();
  const names = Array.from({ length: 200 }, (_, i) => `job ${i}`);
  const submitting = Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        ids.set(name, await submit(url, name));
        await sleep(kills * 2);
      }
    }),
  );
  for (let i = 0; i < kills; i++) {
    await sleep(100 + Math.random() * 700);
    await server.end('SIGKILL');
    server = await serve(t, dataDir, config);
  }
  await submitting;
  assert.equal(ids.size, 200);
  assert.equal(new Set(ids.values()).size, 200);
  await untilAllEnd(url, ids);
  const { tokens, requests } = await quota(server.url);
  const once = { tokens: 2_000, requests: 200 };
  const charged = { tokens: tokens!.used - tokens!.reserved, requests: requests!.used - requests!.reserved };
  t.diagnostic(`${upstream.requests.length} upstream calls for 200 jobs; charged ${JSON.stringify(charged)}`);
  assert.deepEqual(charged, once);
});

test('shares the work of one store between two processes and loses nothing when one stops', {
  timeout: 120_000,
}, async (t) => {
  const dataDir = folder(t);
  const upstream = await upstreamThatTakes(t, 400);
  const config = plugins(upstream, { concurrency: 10 });
  const first = await serve(t, dataDir, config);
  const second = await serve(t, dataDir, config);
  const ids = new Map<string, string>();
  for (let i = 0; i < 60; i++) ids.set(`job ${i}`, await submit(() => first.url, `job ${i}`));
  await sleep(300);
  assert.ok(upstream.requests.length > 10, 'more run at once than one process may');
  await first.end('SIGTERM');
  await untilAllEnd(() => second.url, ids);
  const { tokens } = await quota(second.url);
  assert.equal(tokens!.used - tokens!.reserved, 600);
});

test('fails a job that had been sent when its server was killed, where that is chosen', {
  timeout: 60_000,
}, async (t) => {
  const dataDir = folder(t);
  const upstream = await upstreamThatTakes(t, 1_000);
  const config = plugins(upstream, { onInterrupted: 'fail', perCaller: 1, leaseSeconds: 600 });
  let server = await serve(t, dataDir, config);
  const sent = await submit(() => server.url, 'sent');
  while (upstream.requests.length === 0) await sleep(10);
  const waiting = await submit(() => server.url, 'waiting');
  await server.end('SIGKILL');
  server = await serve(t, dataDir, config);
  await untilAllEnd(() => server.url, new Map([['waiting', waiting]]));
  assert.equal((await poll(() => server.url, sent)).status, 'failed');
  assert.equal(upstream.requests.length, 2);
});

test('knows after a kill which Idempotency-Key a failure freed, and frees that of a run which the kill cut off', {
  timeout: 60_000,
}, async (t) => {
  const dataDir = folder(t);
  const upstream = await upstreamThatTakes(t, 100);
  const down = { status: 503, json: { error: { message: 'down' } } };
  const config = plugins(upstream, { plainIdempotency: true, leaseSeconds: 600 });
  let server = await serve(t, dataDir, config);
  const restart = async (): Promise<void> => {
    await server.end('SIGKILL');
    server = await serve(t, dataDir, config);
  };
  const call = (name: string): Promise<Response> =>
    fetch(`${server.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': name },
      body: bodyOf(name),
    });
  upstream.reply(down);
  assert.equal((await call('ended')).status, 503);
  await restart();
  assert.equal((await call('ended')).status, 200);

  upstream.reply({ fault: 'silent' });
  const sent = upstream.requests.length;
  const lost = assert.rejects(call('cut off'));
  while (upstream.requests.length === sent) await sleep(5);
  upstream.reply(down);
  await restart();
  await lost;
  assert.equal((await call('cut off')).status, 503);
  assert.equal((await call('cut off')).status, 200);
});
