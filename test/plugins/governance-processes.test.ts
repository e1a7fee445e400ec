import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { outputOf } from './governed-gateway.ts';

const key = 'sk-bf-shared-by-four-processes';
const processes = 4;

interface Fleet extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly children: readonly ChildProcess[];
}

async function startFleet(upstream: Upstream, virtualKey: object, more: object = {}): Promise<Fleet> {
  const dataDir = mkdtempSync(join(tmpdir(), 'governed-'));
  const governance = JSON.stringify({
    required: true,
    virtualKeys: [{ id: 'shared', value: key, ...virtualKey }],
    ...more,
  });
  const started = await Promise.all(
    Array.from({ length: processes }, async () => {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'governed-child.ts'), dataDir, upstream.url, governance],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout!.once('data', (line: Buffer) => resolve(line.toString().trim()));
        child.once('exit', (code) => reject(new Error(`exit ${code}`)));
      });
      return { child, url };
    }),
  );
  return {
    urls: started.map(({ url }) => url),
    children: started.map(({ child }) => child),
    async [Symbol.asyncDispose]() {
      await Promise.all(
        started.map(({ child }) => {
          if (child.exitCode !== null || child.signalCode !== null) return undefined;
          const gone = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGTERM');
          return gone;
        }),
      );
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function stream(url: string, more: object = {}, as = key): Promise<number> {
  const response = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bf-vk': as },
    body: JSON.stringify({
      model: 'priced',
      stream: true,
      max_tokens: 50,
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    }),
  });
  await response.text();
  return response.status;
}

async function accounts(url: string): Promise<{ unit: string; used: number; reserved: number }[]> {
  const response = await fetch(`${url}/api/quota`, { headers: { 'x-bf-vk': key } });
  return ((await response.json()) as { accounts: { unit: string; used: number; reserved: number }[] }).accounts;
}

const streamOf = (input: number, output: number) => ({
  events: [
    { choices: [{ index: 0, delta: { role: 'assistant', content: 'hi' } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } },
    'data: [DONE]\n\n',
  ],
});

test('keeps one budget over four processes and 500 streams at once, and ends exact', { timeout: 90_000 }, async () => {
  await using upstream = await startUpstream();
  let billed = 0;
  upstream.always(() => {
    const output = 40 + (upstream.requests.length % 11);
    billed += 20 * 1_000 + output * 10_000;
    return { ...streamOf(20, output), delayMs: 30 };
  });
  // 100 calls of at most 150 input tokens and 50 output tokens.
  const limit = 0.065;
  await using fleet = await startFleet(upstream, { budgets: [{ limit, period: '1Y', calendar: true }] });
  const statuses = await Promise.all(Array.from({ length: 500 }, (_, i) => stream(fleet.urls[i % processes]!)));
  await settled();
  const paid = statuses.filter((status) => status === 200).length;
  assert.equal(upstream.requests.length, paid);
  assert.ok(
    statuses.every((status) => status === 200 || status === 402),
    `${[...new Set(statuses)]}`,
  );
  assert.ok(paid >= 90, `${paid} paid`);
  assert.ok(billed <= limit * 1e9, `${billed}`);
  for (const url of fleet.urls) {
    const [account] = await accounts(url);
    assert.equal(account!.reserved, 0);
    assert.equal(Math.round(account!.used * 1e9), billed);
  }
});

test('keeps the budget over four processes when no call states a limit and some use all they may', {
  timeout: 90_000,
}, async () => {
  await using upstream = await startUpstream();
  let billed = 0;
  upstream.always(({ json }) => {
    const output = outputOf(json, upstream.requests.length % 3 === 0 ? 1 : Math.random() / 20);
    billed += 20 * 1_000 + output * 10_000;
    return { ...streamOf(20, output), delayMs: 20 };
  });
  const limit = 0.5;
  await using fleet = await startFleet(upstream, { budgets: [{ limit, period: '1Y', calendar: true }] });
  const unlimited = { model: 'sized', max_tokens: undefined };
  const statuses: number[] = [];
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      for (let turn = 0; turn < 6; turn++) statuses.push(await stream(fleet.urls[(i + turn) % processes]!, unlimited));
    }),
  );
  await settled();
  assert.ok(billed <= limit * 1e9, `${billed}`);
  assert.ok(
    statuses.every((status) => status === 200 || status === 402),
    `${[...new Set(statuses)]}`,
  );
  // What calls at the end hold back for one another is left when no more come.
  assert.ok(billed >= 0.6 * limit * 1e9, `only ${billed} was used`);
  const [account] = await accounts(fleet.urls[0]!);
  assert.deepEqual([Math.round(account!.used * 1e9), account!.reserved], [billed, 0]);
});

test('frees what a killed process had reserved when its time is over', { timeout: 60_000 }, async () => {
  await using upstream = await startUpstream();
  upstream.always({ fault: 'silent' });
  await using fleet = await startFleet(
    upstream,
    { budgets: [{ limit: 0.0012, period: '1Y', calendar: true }] },
    { reservationSeconds: 10 },
  );
  const lost = stream(fleet.urls[0]!).catch(() => 0);
  while (upstream.requests.length === 0) await settled(10);
  fleet.children[0]!.kill('SIGKILL');
  await lost;
  upstream.always(streamOf(20, 50));
  assert.equal((await accounts(fleet.urls[1]!))[0]!.reserved > 0, true);
  assert.equal(await stream(fleet.urls[1]!, { max_tokens: 60 }), 402);
  await settled(10_500);
  assert.equal(await stream(fleet.urls[1]!, { max_tokens: 60 }), 200);
  await settled();
  const [account] = await accounts(fleet.urls[2]!);
  assert.deepEqual([Math.round(account!.used * 1e9), account!.reserved], [520_000, 0]);
});

for (const [whose, virtualKey, more] of [
  ['', { concurrency: 1 }, {}],
  [' at a provider', { providers: [{ provider: 'openai', concurrency: 1 }] }, {}],
  [' at a model', {}, { limits: [{ id: 'narrow', model: 'priced', concurrency: 1 }] }],
] as const) {
  test(`a client with one place${whose} that calls again after each last byte is not refused, whichever process it comes to`, {
    timeout: 60_000,
  }, async () => {
    await using upstream = await startUpstream();
    upstream.always(streamOf(1, 1));
    await using fleet = await startFleet(upstream, virtualKey, more);
    const statuses: number[] = [];
    for (let i = 0; i < 200; i++) statuses.push(await stream(fleet.urls[i % processes]!));
    assert.deepEqual([...new Set(statuses)], [200]);
  });
}

test('obeys in every process what was changed in another', { timeout: 60_000 }, async () => {
  await using upstream = await startUpstream();
  upstream.always(streamOf(1, 1));
  await using fleet = await startFleet(upstream, {});
  const admin = async (
    url: string,
    method: string,
    path: string,
    body: object,
  ): Promise<{ id: string; value: string }> => {
    const headers = { authorization: 'Bearer bfa_test-token', 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/${path}`, { method, headers, body: JSON.stringify(body) });
    return (await response.json()) as { id: string; value: string };
  };
  const [first, ...others] = fleet.urls;
  const made = await admin(first!, 'POST', 'virtual-keys', { name: 'Late' });
  for (const url of others) assert.equal(await stream(url, {}, made.value), 200);
  await admin(others[0]!, 'PATCH', `virtual-keys/${made.id}`, { active: false });
  await settled(5);
  for (const url of fleet.urls) assert.equal(await stream(url, {}, made.value), 403);
});

for (const unit of ['requests', 'tokens'] as const) {
  test(`never exceeds ${unit} per window over four processes, and uses at least 95 percent`, {
    timeout: 60_000,
  }, async () => {
    await using upstream = await startUpstream();
    // A call is reserved at a moment between these two.
    const started: number[] = [];
    const seen: number[] = [];
    upstream.always(({ json }) => {
      started.push(Number((json as { user: string }).user));
      seen.push(Date.now());
      return streamOf(20, 80);
    });
    const windowMs = 3_000;
    const perWindow = 150;
    const limit = unit === 'requests' ? perWindow : perWindow * 100;
    await using fleet = await startFleet(upstream, { rateLimits: [{ [unit]: limit, period: '3s' }] });
    const end = Date.now() + 3 * windowMs;
    await Promise.all(
      fleet.urls.flatMap((url) =>
        [0, 1].map(async () => {
          while (Date.now() < end) {
            await stream(url, { max_tokens: 90, user: `${Date.now()}` });
            await settled(8);
          }
        }),
      ),
    );
    started.sort((a, b) => a - b);
    for (let i = perWindow; i < seen.length; i++) {
      assert.ok(seen[i]! - started[i - perWindow]! >= windowMs, `${seen[i]! - started[i - perWindow]!} ms`);
    }
    assert.ok(seen.length >= 0.95 * 3 * perWindow, `${seen.length} of ${3 * perWindow}`);
  });
}

function settled(ms = 100): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
