import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { z } from 'zod';
import { definePlugin } from '../../plugin-sdk/index.ts';
import { FakeClock, type RunningGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { call, quota, startGoverned, used } from './governed-gateway.ts';

const key = 'sk-bf-canary-key-0123456789abcdef';
const vk = { 'x-bf-vk': key };
const one = (more: object = {}) => ({ id: 'one', name: 'One', value: key, ...more });

interface Refusal {
  readonly name: string;
  readonly virtualKey?: object;
  readonly governance?: object;
  readonly headers?: Record<string, string>;
  readonly body?: Record<string, unknown>;
  /** Calls before the one that is refused. */
  readonly before?: number;
  readonly status: number;
  readonly type: string;
  readonly message: RegExp;
  readonly mayRetry?: 'false' | null;
}

const refusals: readonly Refusal[] = [
  {
    name: 'a missing header that is required',
    governance: { requiredHeaders: ['x-project', 'x-user'] },
    status: 400,
    type: 'missing_required_headers',
    message: /^missing required headers: x-project, x-user$/,
  },
  {
    name: 'a missing virtual key',
    headers: {},
    governance: { required: true },
    status: 401,
    type: 'virtual_key_required',
    message: /^virtual key is required\. Provide a virtual key via the x-bf-vk header\.$/,
  },
  {
    name: 'a credential that is no virtual key, where one is required',
    headers: { authorization: 'Bearer sk-other' },
    governance: { required: true },
    status: 401,
    type: 'virtual_key_required',
    message: /virtual key is required/,
  },
  {
    name: 'an unknown virtual key',
    headers: { 'x-bf-vk': 'sk-bf-nobody' },
    status: 401,
    type: 'virtual_key_not_found',
    message: /does not exist or has been revoked/,
  },
  {
    name: 'an unknown virtual key in another header',
    headers: { 'x-api-key': 'sk-bf-nobody' },
    status: 401,
    type: 'virtual_key_not_found',
    message: /does not exist/,
  },
  {
    name: 'an inactive key',
    virtualKey: { active: false },
    status: 403,
    type: 'virtual_key_blocked',
    message: /^Virtual key is inactive$/,
  },
  {
    name: 'an expired key',
    virtualKey: { expiresAt: '2020-01-01T00:00:00Z' },
    status: 403,
    type: 'virtual_key_blocked',
    message: /^Virtual key has expired$/,
  },
  {
    name: 'a provider that is not granted',
    virtualKey: { providers: ['openai'] },
    body: { model: 'other/priced' },
    status: 403,
    type: 'provider_blocked',
    message: /^Provider 'other' is not allowed for this virtual key$/,
  },
  {
    name: 'every provider, where none is granted',
    virtualKey: { providers: [] },
    status: 403,
    type: 'provider_blocked',
    message: /Provider 'openai'/,
  },
  {
    name: 'a model that is not allowed',
    virtualKey: { models: ['gpt-*'] },
    status: 403,
    type: 'model_blocked',
    message: /^Model 'priced' is not allowed for this virtual key$/,
  },
  {
    name: 'a model that is blocked at one provider',
    virtualKey: { providers: [{ provider: 'openai', blockedModels: ['priced'] }] },
    body: { model: 'openai/priced' },
    status: 403,
    type: 'model_blocked',
    message: /Model 'priced'/,
  },
  {
    name: 'one request too many',
    virtualKey: { rateLimits: [{ requests: 2, period: '1h' }] },
    before: 2,
    status: 429,
    type: 'request_limited',
    message: /^virtual key one has used its 2 requests per 1h\. It resets at 20\d\d-/,
    mayRetry: 'false',
  },
  {
    name: 'a request with more tokens than a minute has',
    virtualKey: { rateLimits: [{ tokens: 100, period: '1m' }] },
    status: 429,
    type: 'token_limited',
    message: /one request is larger than the limit/,
    mayRetry: 'false',
  },
  {
    name: 'tokens that are used up',
    virtualKey: { rateLimits: [{ tokens: 400, period: '1m' }] },
    before: 2,
    status: 429,
    type: 'token_limited',
    message: /400 tokens per 1m/,
  },
  {
    name: 'a budget that is used up',
    virtualKey: { budgets: [{ limit: 0.002, period: '1d' }] },
    before: 2,
    status: 402,
    type: 'budget_exceeded',
    message: /virtual key one has no budget left for this request: 0\.0012 of 0\.002 USD per 1d are used/,
    mayRetry: 'false',
  },
  {
    name: "the team's budget",
    virtualKey: { team: 'red' },
    governance: { teams: [{ id: 'red', budgets: [{ limit: 0.0001, period: '1M', calendar: true }] }] },
    status: 402,
    type: 'budget_exceeded',
    message: /^team red has no budget left/,
    mayRetry: 'false',
  },
  {
    name: "the budget of the team's customer",
    virtualKey: { team: 'red' },
    governance: {
      teams: [{ id: 'red', customer: 'acme' }],
      customers: [{ id: 'acme', budgets: [{ limit: 0.0001, period: '1d' }] }],
    },
    status: 402,
    type: 'budget_exceeded',
    message: /^customer acme/,
    mayRetry: 'false',
  },
  {
    name: "a provider's own limit",
    governance: { limits: [{ id: 'openai-rpm', provider: 'openai', rateLimits: [{ requests: 1, period: '1h' }] }] },
    before: 1,
    status: 429,
    type: 'request_limited',
    message: /^limit openai-rpm has used its 1 requests/,
  },
  {
    name: "a model's own budget",
    governance: { limits: [{ id: 'dear', model: 'priced*', budgets: [{ limit: 0.0001, period: '1d' }] }] },
    status: 402,
    type: 'budget_exceeded',
    message: /^limit dear/,
  },
  {
    name: "the budget of a key's provider",
    virtualKey: { providers: [{ provider: 'openai', budgets: [{ limit: 0.0001, period: '1d' }] }] },
    status: 402,
    type: 'budget_exceeded',
    message: /^virtual key one openai/,
  },
  {
    name: 'a model without a price, where a budget applies',
    virtualKey: { budgets: [{ limit: 1, period: '1d' }] },
    body: { model: 'nobody-knows' },
    status: 402,
    type: 'budget_exceeded',
    message: /No price is known for nobody-knows at openai/,
  },
];

for (const refusal of refusals) {
  test(`refuses ${refusal.name}`, { timeout: 20_000 }, async () => {
    await using upstream = await startUpstream();
    upstream.always(used(100, 50));
    await using gateway = await startGoverned(upstream, {
      governance: { virtualKeys: [one(refusal.virtualKey)], ...refusal.governance },
    });
    const { headers = vk, body = {}, before = 0 } = refusal;
    for (let i = 0; i < before; i++) assert.equal((await call(gateway, headers, body)).status, 200);
    const sent = upstream.requests.length;
    const refused = await call(gateway, headers, body);
    assert.equal(refused.status, refusal.status, refused.text);
    assert.equal(refused.json.error.type, refusal.type);
    assert.match(refused.json.error.message, refusal.message);
    assert.deepEqual(Object.keys(refused.json), ['error']);
    if (refusal.mayRetry !== undefined) assert.equal(refused.headers.get('x-should-retry'), refusal.mayRetry);
    assert.equal(upstream.requests.length, sent);
  });
}

test('refuses one request more than may run at once, and says that it may be tried again', async () => {
  await using upstream = await startUpstream();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  upstream.always({ ...used(1, 1), after });
  await using gateway = await startGoverned(upstream, { governance: { virtualKeys: [one({ concurrency: 1 })] } });
  const first = call(gateway, vk);
  while (upstream.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await call(gateway, vk);
  release();
  assert.equal(second.status, 429);
  assert.equal(second.json.error.type, 'rate_limited');
  assert.equal(second.headers.get('retry-after'), '1');
  assert.equal((await first).status, 200);
  assert.equal((await call(gateway, vk)).status, 200);
});

test('waits a moment for the place of a call that is just over, which another process may not have given back yet', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  upstream.always({ ...used(1, 1), after });
  const governance = { virtualKeys: [one({ concurrency: 1 })] };
  await using gateway = await startGoverned(upstream, { governance, clock });
  const first = call(gateway, vk);
  while (upstream.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = call(gateway, vk);
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  assert.equal((await first).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 50));
  clock.advance(5);
  assert.equal((await second).status, 200);
});

test("writes a refusal in the client's dialect", async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, { governance: { required: true } });
  const anthropic = await call(gateway, {}, {}, '/anthropic/v1/messages');
  assert.equal(anthropic.json.type, 'error');
  assert.equal(anthropic.json.error.type, 'authentication_error');
  const google = await call(gateway, {}, { contents: [] }, '/genai/v1beta/models/priced:generateContent');
  assert.equal(google.json.error.status, 'UNAUTHENTICATED');
});

test('reads a virtual key from every place that an SDK puts it', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, { governance: { required: true, virtualKeys: [one()] } });
  const places: [Record<string, string>, string][] = [
    [{ 'x-bf-vk': key }, ''],
    [{ authorization: `Bearer ${key}` }, ''],
    [{ authorization: key }, ''],
    [{ 'x-api-key': key }, ''],
    [{ 'x-goog-api-key': key }, ''],
    [{ 'api-key': key }, ''],
    [{}, `?key=${key}&alt=sse`],
    [{ 'x-bf-vk': key, authorization: 'Bearer sk-a-provider-key-of-my-own' }, ''],
  ];
  for (const [headers, query] of places) {
    const answer = await call(gateway, headers, {}, `/openai/v1/chat/completions${query}`);
    assert.equal(answer.status, 200, JSON.stringify(headers) + query);
  }
  assert.equal((await quota(gateway, key)).accounts.length, 0);
  for (const { url, headers } of upstream.requests) {
    assert.ok(!(url + JSON.stringify(headers)).includes('canary-key'), 'the key stays here');
  }
});

test('charges what was used and gives the rest back', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    governance: {
      virtualKeys: [
        one({
          team: 'red',
          budgets: [{ limit: 1, period: '1d' }],
          rateLimits: [{ requests: 10, tokens: 10_000, period: '1m' }],
        }),
      ],
      teams: [{ id: 'red', budgets: [{ limit: 5, period: '1M' }] }],
    },
  });
  await call(gateway, vk);
  await settled();
  const { accounts } = await quota(gateway, key);
  assert.deepEqual(
    accounts.map(({ account, unit, used, reserved }) => [account, unit, used, reserved]),
    [
      ['virtual key one', 'requests', 1, 0],
      ['virtual key one', 'tokens', 150, 0],
      ['virtual key one', 'usd', 0.0006, 0],
      ['team red', 'usd', 0.0006, 0],
    ],
  );
});

test('charges nothing for an attempt that failed before it gave anything', async () => {
  await using upstream = await startUpstream();
  upstream.always({ status: 500, json: { error: { message: 'down' } } });
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 1, period: '1d' }] })] },
  });
  assert.equal((await call(gateway, vk)).status, 500);
  await settled();
  assert.deepEqual(
    (await quota(gateway, key)).accounts.map(({ used, reserved }) => [used, reserved]),
    [[0, 0]],
  );
});

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

test('charges a stream by the usage that it reports', async () => {
  await using upstream = await startUpstream();
  upstream.always({
    events: [
      delta('hello'),
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } },
      'data: [DONE]\n\n',
    ],
  });
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 1, period: '1d' }] })] },
  });
  await call(gateway, vk, { stream: true });
  await settled();
  assert.deepEqual(
    (await quota(gateway, key)).accounts.map(({ used, reserved }) => [used, reserved]),
    [[0.00021, 0]],
  );
});

test('asks for the usage of a stream where the client did not, and keeps the answer from it', async () => {
  await using upstream = await startUpstream();
  upstream.always({
    events: [
      delta('hello'),
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } },
      'data: [DONE]\n\n',
    ],
  });
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 1, period: '1d' }] })] },
  });
  const answer = await call(gateway, vk, { stream: true });
  await settled();
  assert.equal((await quota(gateway, key)).accounts[0]!.used, 0.00021);
  assert.deepEqual((upstream.requests[0]!.json as { stream_options: object }).stream_options, { include_usage: true });
  assert.match(answer.text, /hello/);
  assert.match(answer.text, /data: \[DONE\]/);
  assert.ok(!answer.text.includes('prompt_tokens'), answer.text);
  const asked = await call(gateway, vk, { stream: true, stream_options: { include_usage: true } });
  assert.match(asked.text, /prompt_tokens/);
});

test('charges a stream that was cut, or reports no usage, by what passed', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 1, period: '1d' }] })] },
  });
  const words = Array.from({ length: 20 }, (_, i) => delta(`word ${i} `));
  upstream.reply({ events: words, fault: 'cut' });
  await call(gateway, vk, { stream: true });
  await settled();
  const [cut] = (await quota(gateway, key)).accounts;
  assert.ok(cut!.used > 0.0002 && cut!.used <= 0.0011, `${cut!.used}`);
  assert.equal(cut!.reserved, 0);
  upstream.reply({
    events: [...words, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, 'data: [DONE]\n\n'],
  });
  await call(gateway, vk, { stream: true });
  await settled();
  const [silent] = (await quota(gateway, key)).accounts;
  assert.ok(silent!.used > cut!.used, `${silent!.used}`);
});

test('charges a client that leaves in the middle of a stream', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: Array.from({ length: 30 }, () => delta('word ')), chunkDelayMs: 10, fault: 'stall' });
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 1, period: '1d' }] })] },
  });
  const leaving = new AbortController();
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...vk },
    body: JSON.stringify({ model: 'priced', max_tokens: 1_000, stream: true, messages: [] }),
    signal: leaving.signal,
  });
  await response.body!.getReader().read();
  leaving.abort();
  await settled(100);
  const [account] = (await quota(gateway, key)).accounts;
  assert.ok(account!.used > 0, `${account!.used}`);
  assert.equal(account!.reserved, 0);
});

test('lets free models pass when the budget is used up', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 0, period: '1d' }] })] },
  });
  assert.equal((await call(gateway, vk, { model: 'free' })).status, 200);
  assert.equal((await call(gateway, vk)).status, 402);
});

test('prices a name that a key has an alias for as what it stands for, the dearest where keys differ', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 100));
  const keys = [
    { name: 'free', value: 'sk-a', models: [], aliases: { fast: 'free', any: 'free' } },
    { name: 'paid', value: 'sk-b', models: [], aliases: { Fast: 'free', any: 'priced' } },
  ];
  const virtualKey = { id: 'ada', name: 'Ada', value: 'sk-bf-ada-0123456789', providers: ['openai'] };
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [{ ...virtualKey, budgets: [{ limit: 0.0005, period: '1d' }] }] },
    plugins: { openai: { use: 'test/provider', ...upstream.provider({ keys }) } },
  });
  const headers = { authorization: `Bearer ${virtualKey.value}` };
  assert.equal((await call(gateway, headers, { model: 'fast', max_completion_tokens: 100 })).status, 200);
  const refused = await call(gateway, headers, { model: 'any', max_completion_tokens: 100 });
  assert.equal(refused.status, 402, refused.text);
  assert.equal(refused.json.error.code, 'insufficient_quota');
});

test('lets a small budget pay for calls that state no limit until it is used up', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 0.003, period: '1d' }] })] },
  });
  const statuses: number[] = [];
  for (let i = 0; i < 6; i++) {
    statuses.push((await call(gateway, vk, { max_tokens: undefined })).status);
    await settled(10);
  }
  assert.equal(statuses[0], 200);
  assert.equal(statuses.at(-1), 402);
  assert.ok((await quota(gateway, key)).accounts[0]!.used <= 0.003);
});

test('spends no more than the budget on many calls at once', async () => {
  await using upstream = await startUpstream();
  let billed = 0;
  upstream.always(() => {
    billed += 100 * 1_000 + 100 * 10_000;
    return { ...used(100, 100), delayMs: 20 };
  });
  await using gateway = await startGoverned(upstream, {
    governance: { virtualKeys: [one({ budgets: [{ limit: 0.022, period: '1d' }] })] },
  });
  const answers = await Promise.all(Array.from({ length: 100 }, () => call(gateway, vk)));
  await settled();
  const paid = answers.filter(({ status }) => status === 200).length;
  assert.ok(paid > 0 && answers.every(({ status }) => status === 200 || status === 402));
  assert.ok(billed <= 22_000_000, `${billed}`);
  assert.deepEqual(
    (await quota(gateway, key)).accounts.map(({ used, reserved }) => [used, reserved]),
    [[billed / 1e9, 0]],
  );
});

test('sends a call whose model names no provider to a granted one, by weight', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, {
    governance: {
      virtualKeys: [
        one({
          providers: [
            { provider: 'openai', weight: 0 },
            { provider: 'other', weight: 1 },
          ],
        }),
      ],
    },
  });
  for (let i = 0; i < 3; i++) assert.equal((await call(gateway, vk)).headers.get('x-bf-provider'), 'other');
  assert.equal((await call(gateway, vk, { model: 'openai/priced' })).headers.get('x-bf-provider'), 'openai');
  assert.equal((await call(gateway, vk, { model: 'nobody-knows' })).headers.get('x-bf-provider'), 'openai');
});

test('falls back to the other providers of the virtual key, heaviest first, and never to one without a weight', async () => {
  await using upstream = await startUpstream();
  upstream.always(({ headers }) =>
    headers.authorization === 'Bearer sk-upstream' ? used(1, 1) : { status: 500, json: { error: { message: 'down' } } },
  );
  const granted = (weight: number) => ({
    governance: {
      virtualKeys: [
        one({
          providers: [
            { provider: 'openai', weight: 1e9 },
            { provider: 'other', weight },
          ],
        }),
      ],
    },
    plugins: { 'plugins/fallbacks': {} } as never,
  });
  await using both = await startGoverned(upstream, granted(1e-9));
  const answer = await call(both, vk);
  assert.deepEqual([answer.status, answer.headers.get('x-bf-provider')], [200, 'other']);
  // What the caller names itself holds instead, as does a model with its provider.
  assert.equal((await call(both, vk, { fallbacks: ['openai/priced-too'] })).status, 500);
  assert.equal((await call(both, vk, { model: 'openai/priced' })).status, 500);
  await using alone = await startGoverned(upstream, granted(0));
  assert.equal((await call(alone, vk)).status, 500);
});

test('uses only the provider keys that the virtual key may use', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, { governance: { virtualKeys: [one({ keys: ['spare'] })] } });
  for (let i = 0; i < 3; i++) {
    const answer = await call(gateway, vk);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get('x-bf-key'), 'spare');
  }
});

test('lets the next target serve when one has reached its own limit', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, {
    governance: {
      virtualKeys: [
        one({
          providers: [
            { provider: 'openai', weight: 1e9 },
            { provider: 'other', weight: 1e-9 },
          ],
          budgets: [{ limit: 1, period: '1d' }],
        }),
      ],
      limits: [{ id: 'openai-rph', provider: 'openai', rateLimits: [{ requests: 1, period: '1h' }] }],
    },
    plugins: { 'plugins/fallbacks': {} } as never,
  });
  assert.equal((await call(gateway, vk)).headers.get('x-bf-provider'), 'openai');
  assert.equal((await call(gateway, vk)).headers.get('x-bf-provider'), 'other');
  await settled();
  assert.deepEqual(
    (await quota(gateway, key)).accounts.map(({ used: spent, reserved }) => [spent, reserved]),
    [[0.000022, 0]],
  );
});

for (const [name, limit, tried] of [
  ['has', 1, 2],
  ['has no', 0.0013, 1],
] as const) {
  test(`${tried === 2 ? 'pays for' : 'does without'} a second attempt beside the first when the budget ${name} room for both`, async () => {
    await using upstream = await startUpstream();
    let calls = 0;
    upstream.always(() => ({ ...used(100, 50), delayMs: calls++ === 0 ? 250 : 0 }));
    const hedge = definePlugin({
      name: 'test/hedge',
      options: z.strictObject({}),
      setup: () => ({ hooks: { preRoute: (exchange) => void (exchange.policy.hedgeAfterMs = 30) } }),
    });
    await using gateway = await startGoverned(upstream, {
      definitions: { 'test/hedge': hedge as never },
      plugins: { 'test/hedge': {} } as never,
      governance: { virtualKeys: [one({ budgets: [{ limit, period: '1d' }] })] },
    });
    assert.equal((await call(gateway, vk)).status, 200);
    await settled(300);
    assert.equal(upstream.requests.length, tried);
    const [account] = (await quota(gateway, key)).accounts;
    assert.equal(account!.reserved, 0);
    // The loser was sent, so its input is charged besides the winner.
    if (tried === 2) assert.ok(account!.used > 0.0006 && account!.used < 0.0008, `${account!.used}`);
    else assert.equal(account!.used, 0.0006);
  });
}

const routedTo = (...targets: { provider: string; model: string }[]) =>
  definePlugin({
    name: 'test/router',
    options: z.strictObject({}),
    setup: () => ({ hooks: { preRoute: (exchange) => exchange.setTargets(targets) } }),
  });

for (const [name, fallback, virtualKey] of [
  ['that the key may not use', { provider: 'other', model: 'priced' }, { providers: ['openai'] }],
  ['whose price is not known', { provider: 'other', model: 'nobody-knows' }, { budgets: [{ limit: 1, period: '1d' }] }],
] as const) {
  test(`falls back to no target ${name}`, async () => {
    await using upstream = await startUpstream();
    upstream.always({ status: 500, json: { error: { message: 'down' } } });
    await using gateway = await startGoverned(upstream, {
      definitions: { 'test/router': routedTo({ provider: 'openai', model: 'priced' }, fallback) as never },
      plugins: { 'test/router': {} } as never,
      governance: { virtualKeys: [one(virtualKey)] },
    });
    assert.equal((await call(gateway, vk)).status, 500);
    assert.ok(upstream.requests.every(({ headers }) => headers.authorization !== 'Bearer sk-upstream'));
  });
}

test('gives a request back that a limit behind it has refused', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, {
    governance: {
      virtualKeys: [one({ rateLimits: [{ requests: 5, period: '1h' }] })],
      limits: [{ id: 'none', provider: 'openai', rateLimits: [{ requests: 0, period: '1h' }] }],
    },
  });
  assert.equal((await call(gateway, vk)).status, 429);
  await settled();
  assert.equal((await quota(gateway, key)).accounts[0]!.used, 0);
});

test('keeps the reservation of a stream that takes longer than reservations last', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  upstream.reply({ events: [delta('word ')], fault: 'stall' });
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, {
    clock,
    governance: { virtualKeys: [one({ budgets: [{ limit: 0.0012, period: '1Y', calendar: true }] })] },
  });
  const leaving = new AbortController();
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...vk },
    body: JSON.stringify({ model: 'priced', max_tokens: 100, stream: true, messages: [] }),
    signal: leaving.signal,
  });
  await response.body!.getReader().read();
  clock.advance(600_000);
  assert.equal((await call(gateway, vk)).status, 402);
  leaving.abort();
  await settled(100);
  assert.equal((await quota(gateway, key)).accounts[0]!.reserved, 0);
});

test('governs passthrough like everything else', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    governance: { required: true, virtualKeys: [one({ models: ['priced'], budgets: [{ limit: 1, period: '1d' }] })] },
  });
  const path = '/openai_passthrough/v1/chat/completions';
  assert.equal((await call(gateway, {}, {}, path)).status, 401);
  assert.equal((await call(gateway, vk, { model: 'dear' }, path)).status, 403);
  assert.equal((await call(gateway, vk, { model: undefined }, path)).status, 403);
  assert.equal((await call(gateway, vk, {}, path)).status, 200);
  await settled();
  assert.equal((await quota(gateway, key)).accounts[0]!.used, 0.0006);
});

test('accepts a token of the issuer and counts it for the team that it names', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const { privateKey: foreign } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
  await using upstream = await startUpstream();
  upstream.always(({ url }) => (url === '/jwks' ? { json: { keys: [jwk] } } : used(100, 50)));
  await using gateway = await startGoverned(upstream, {
    governance: {
      required: true,
      teams: [{ id: 'red', budgets: [{ limit: 0.0021, period: '1d' }] }],
      identity: {
        issuer: 'https://login.example',
        audience: 'gateway',
        jwksUrl: `${upstream.url}/jwks`,
        teamClaim: 'groups',
        teams: { engineers: 'red' },
      },
    },
  });
  const token = (signer: CryptoKey, more: { exp?: string; aud?: string; groups?: string[] } = {}) =>
    new SignJWT({ groups: more.groups ?? ['everyone', 'engineers'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer('https://login.example')
      .setAudience(more.aud ?? 'gateway')
      .setSubject('ada')
      .setExpirationTime(more.exp ?? '5m')
      .sign(signer);
  const as = async (bearer: string) => call(gateway, { authorization: `Bearer ${bearer}` });
  const good = await token(privateKey);
  assert.equal((await as(good)).status, 200);
  assert.equal((await as(good)).status, 200);
  assert.match((await as(good)).json.error.message, /^team red has no budget left/);
  for (const bad of [token(foreign), token(privateKey, { exp: '-5m' }), token(privateKey, { aud: 'another' })]) {
    const refused = await as(await bad);
    assert.equal(refused.status, 401);
    assert.equal(refused.json.error.code, 'invalid_token');
  }
  assert.equal(upstream.requests.filter(({ url }) => url === '/jwks').length, 1);
});

test('refuses a config that names an owner who does not exist, or an id or a credential twice', async () => {
  await using upstream = await startUpstream();
  await assert.rejects(
    startGoverned(upstream, { governance: { virtualKeys: [one({ team: 'nobody' })] } }),
    /virtualKeys\[0\]\.team: there is no team nobody/,
  );
  await assert.rejects(
    startGoverned(upstream, { governance: { virtualKeys: [one(), one()] } }),
    /virtualKeys\[1\]\.id: one is used twice/,
  );
  await assert.rejects(
    startGoverned(upstream, { governance: { virtualKeys: [one(), one({ id: 'two' })] } }),
    ({ message }: Error) => /virtualKeys\[1\]\.value: one has it already/.test(message) && !message.includes(key),
  );
});

test('writes no credential anywhere', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    plugins: { 'plugins/records': {}, 'plugins/admin-api': {} } as never,
    governance: { required: true, virtualKeys: [one({ budgets: [{ limit: 0.01, period: '1d' }] })] },
  });
  const secrets = ['canary-key-0123456789', 'canary-provider-of-mine', 'canary-unknown-key', 'canary-upstream'];
  const answers = [
    await call(gateway, { ...vk, authorization: 'Bearer sk-canary-provider-of-mine' }),
    await call(gateway, { 'x-bf-vk': 'sk-bf-canary-unknown-key' }),
    await call(gateway, vk, { max_tokens: 100_000 }),
    await call(gateway, { authorization: 'Bearer sk-canary-provider-of-mine' }, {}, '/nowhere'),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 401, 402, 404],
  );
  await settled(300);
  const shown = [
    JSON.stringify(answers.map(({ text, headers }) => [text, [...headers]])),
    JSON.stringify(gateway.logs),
    JSON.stringify(gateway.gateway.current.view()),
    await show(gateway, 'records'),
    await show(gateway, 'virtual-keys'),
    JSON.stringify(await quota(gateway, key)),
    ...filesOf(gateway.dataDir).map((file) => readFileSync(file).toString('latin1')),
  ].join('\n');
  for (const secret of secrets) assert.ok(!shown.includes(secret), secret);
});

async function show(gateway: RunningGateway, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  return (await fetch(`${gateway.url}/api/${path}`, { headers })).text();
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Settlement comes after the reply. */
function settled(ms = 40): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
