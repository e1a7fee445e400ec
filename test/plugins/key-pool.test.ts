import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { callerSlot, definePlugin, keyFilterSlot } from '../../plugin-sdk/index.ts';
import { FakeClock, startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import type { Candidate } from '../../plugins/key-pool/candidates.ts';
import { choose } from '../../plugins/key-pool/choose.ts';
import { chat, failed, keyOf, keys, said, startPooled } from './pooled-gateway.ts';

const candidate = (name: string, weight: number, more: Partial<Candidate['state']> = {}): Candidate => ({
  key: { name, value: undefined, settings: {} },
  weight,
  model: 'm',
  state: { restsUntil: 0, reason: undefined, failures: 0, inFlight: 0, latencyMs: undefined, ...more },
});
const anyone = {
  attempt: { triedKeys: new Set(), target: { provider: 'p', model: 'm' } } as never,
  now: 1,
  filter: undefined,
  pinned: undefined,
};

function shares(
  may: readonly Candidate[],
  strategy: 'weighted' | 'least-loaded' | 'latency',
  count = 100_000,
): Record<string, number> {
  const found: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const chosen = choose(may, anyone, strategy);
    assert.ok(chosen);
    found[chosen.key.name] = (found[chosen.key.name] ?? 0) + 1 / count;
  }
  return found;
}

test('100,000 selections match the weights within 1 %', () => {
  const found = shares([candidate('a', 5), candidate('b', 3), candidate('c', 2), candidate('spare', 0)], 'weighted');
  for (const [name, share] of Object.entries({ a: 0.5, b: 0.3, c: 0.2 })) {
    assert.ok(Math.abs(found[name]! - share) < 0.01, `${name}: ${found[name]}`);
  }
  assert.equal(found['spare'], undefined);
});

test('a key of weight 0 serves when no other can', () => {
  const chosen = choose([candidate('a', 1, { restsUntil: 2 }), candidate('spare', 0)], anyone, 'weighted');
  assert.equal(chosen?.key.name, 'spare');
});

test('least-loaded takes the key with the fewest running calls per weight', () => {
  const found = shares(
    [candidate('a', 1, { inFlight: 3 }), candidate('b', 4, { inFlight: 3 }), candidate('c', 1, { inFlight: 1 })],
    'least-loaded',
    1_000,
  );
  assert.deepEqual(Object.keys(found), ['b']);
  const even = shares([candidate('a', 1), candidate('b', 1)], 'least-loaded', 10_000);
  assert.ok(Math.abs(even['a']! - 0.5) < 0.03);
});

test('latency takes the fastest key and looks at the others now and then', () => {
  const found = shares(
    [candidate('slow', 1, { latencyMs: 900 }), candidate('fast', 1, { latencyMs: 100 })],
    'latency',
    20_000,
  );
  assert.ok(found['fast']! > 0.97 && found['slow']! > 0.002, JSON.stringify(found));
});

test('a key that answered 429 gets no traffic until its retry-after is over', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1, b: 1 }) } }, {}, { clock });
  let limited: string | undefined;
  upstream.always((request) => {
    limited ??= keyOf(request);
    return keyOf(request) === limited && clock.now() < start + 30_000 ? failed(429, { 'retry-after': '30' }) : said();
  });
  const start = clock.now();
  for (let i = 0; i < 40; i++) assert.equal((await chat(gateway)).status, 200);
  assert.equal(upstream.requests.filter((request) => keyOf(request) === limited).length, 1);
  clock.advance(29_999);
  for (let i = 0; i < 40; i++) await chat(gateway);
  assert.equal(upstream.requests.filter((request) => keyOf(request) === limited).length, 1);
  clock.advance(2);
  for (let i = 0; i < 40; i++) await chat(gateway);
  assert.ok(upstream.requests.filter((request) => keyOf(request) === limited).length > 5);
});

test('a rate limit of one model does not rest the key for another', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1 }) } });
  upstream.always((request) => ((request.json as { model: string }).model === 'gpt-4o' ? failed(429) : said()));
  assert.equal((await chat(gateway)).status, 429);
  assert.equal((await chat(gateway, { model: 'gpt-4o-mini' })).status, 200);
});

test('rests without a retry-after grow', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1 }) } }, {}, { clock });
  upstream.always(failed(429));
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    await chat(gateway);
    const refused = await chat(gateway);
    waits.push(Number(refused.headers.get('retry-after')));
    clock.advance(waits.at(-1)! * 1_000);
  }
  assert.deepEqual(waits, [1, 2, 4, 8]);
  assert.equal(upstream.requests.length, 4);
});

test('with two of three keys dead none of 10,000 requests fails', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startPooled({ openai: { upstream, options: keys({ dead: 1, unpaid: 1, good: 1 }) } });
  upstream.always((request) => ({ dead: failed(401), unpaid: failed(402) })[keyOf(request)] ?? said());
  let wrong = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let i = 0; i < 500; i++) if ((await chat(gateway)).status !== 200) wrong += 1;
    }),
  );
  assert.equal(wrong, 0);
  assert.ok(upstream.requests.length < 10_050, String(upstream.requests.length));
});

test('a key refused with 401 stays out until a probe of the model list succeeds', async () => {
  const clock = new FakeClock();
  await using upstream = await startUpstream();
  let accepted = false;
  upstream.always((request) =>
    keyOf(request) === 'a' && !accepted ? failed(401) : request.method === 'GET' ? { json: { data: [] } } : said(),
  );
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1, b: 0 }) } }, {}, { clock });
  assert.equal((await chat(gateway)).headers.get('x-bf-key'), 'b');
  clock.advance(60_000);
  await until(() => upstream.requests.some(({ method }) => method === 'GET'));
  assert.equal((await chat(gateway)).headers.get('x-bf-key'), 'b');
  accepted = true;
  await new Promise((resolve) => setTimeout(resolve, 50));
  clock.advance(120_000);
  await until(() => gateway.logs.some(({ message }) => message?.includes('tried again') === true));
  assert.equal((await chat(gateway)).headers.get('x-bf-key'), 'a');
});

for (const status of [401, 403]) {
  test(`a ${status} of an endpoint that needs another kind of key goes to its caller and rests no key`, async () => {
    await using upstream = await startUpstream();
    upstream.always(({ url }) =>
      url.endsWith('/models') ? { json: { data: [] } } : url.endsWith('/chat/completions') ? said() : failed(status),
    );
    await using gateway = await startPooled(
      { openai: { upstream, options: keys({ a: 1, b: 1 }) } },
      { 'routes/openai-passthrough': {} },
    );
    const call = async (path: string, body?: object): Promise<number> => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return (await fetch(gateway.url + path, body === undefined ? {} : init)).status;
    };
    for (let time = 0; time < 3; time++) {
      assert.equal(await call('/openai_passthrough/v1/organization/users'), status);
      assert.equal(await call('/openai_passthrough/v1/secret', { model: 'gpt-4o' }), status);
      assert.equal(await call('/openai/v1/files'), status);
      assert.equal(await call('/openai/v1/fine_tuning/jobs', { model: 'gpt-4o', training_file: 'f' }), status);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await chat(gateway)).status, 200);
    // However many calls are refused, each key is looked at once.
    const looks = upstream.requests.filter(({ url }) => url.endsWith('/models'));
    assert.equal(looks.length, status === 401 ? 2 : 0);
  });
}

test('a key that passthrough was refused with rests when the model list refuses it as well', async () => {
  await using upstream = await startUpstream();
  upstream.always((request) => (keyOf(request) === 'a' ? failed(401) : said()));
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1, b: 0 }) } },
    { 'routes/openai-passthrough': {} },
  );
  const call = async (): Promise<string | null> =>
    (await fetch(`${gateway.url}/openai_passthrough/v1/things`)).headers.get('x-bf-attempts');
  assert.match((await call())!, /401/);
  await until(() => upstream.requests.some(({ url }) => url.endsWith('/models')));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await call(), null);
});

test('a key refused with 401 serves again as soon as its value is changed in the config', async () => {
  await using upstream = await startUpstream();
  upstream.always((request) => (keyOf(request) === 'old' ? failed(401) : said()));
  const withKey = (value: string) => ({
    'routes/openai': {},
    'providers/openai': upstream.provider({ keys: [{ name: 'a', value }] }),
  });
  await using gateway = await startPooled({}, withKey('sk-old'));
  assert.equal((await chat(gateway)).status, 401);
  assert.equal((await chat(gateway)).json.error.code, 'no_key');
  await gateway.reload({ plugins: withKey('sk-old') as never });
  assert.equal((await chat(gateway)).json.error.code, 'no_key');
  await gateway.reload({ plugins: withKey('sk-new') as never });
  assert.equal((await chat(gateway)).status, 200);
});

test('x-bf-api-key pins a key whatever its weight', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1, b: 0 }) } });
  for (let i = 0; i < 5; i++)
    assert.equal((await chat(gateway, {}, { 'x-bf-api-key': 'b' })).headers.get('x-bf-key'), 'b');
  const unknown = await chat(gateway, {}, { 'x-bf-api-key': 'nope' });
  assert.equal(unknown.status, 400);
  assert.match(unknown.json.error.message, /no key named nope at openai/);
  assert.equal(
    upstream.requests.some(({ headers }) => 'x-bf-api-key' in headers),
    false,
  );
});

test('two keys of one name are refused', async () => {
  const twice = [
    { name: 'a', value: 'x' },
    { name: 'a', value: 'y' },
  ];
  await assert.rejects(startGateway({ plugins: { 'providers/openai': { keys: twice } } }), {
    message: /keys\[1\]\.name: use a name that no other key has, got "a"/,
  });
});

test('models, blocked models and aliases choose the key, without regard to case', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  const options = keys({
    small: { models: ['gpt-4o-mini'], aliases: {} },
    large: { models: ['GPT-*'], blockedModels: ['gpt-4o-mini'] },
    named: { models: ['fast'], aliases: { Fast: 'deployment-7' } },
    none: { models: [] },
    off: { enabled: false },
  });
  await using gateway = await startPooled({ openai: { upstream, options } });
  assert.equal((await chat(gateway, { model: 'gpt-4o-mini' })).headers.get('x-bf-key'), 'small');
  assert.equal((await chat(gateway, { model: 'gpt-4o' })).headers.get('x-bf-key'), 'large');
  assert.equal((await chat(gateway, { model: 'FAST' })).headers.get('x-bf-key'), 'named');
  assert.equal((upstream.requests.at(-1)!.json as { model: string }).model, 'deployment-7');
  const refused = await chat(gateway, { model: 'o3' });
  assert.equal(refused.status, 503);
  for (const part of [/small does not have o3 among its models/, /none does not have/, /off is disabled/])
    assert.match(refused.json.error.message, part);
  assert.equal(refused.headers.get('x-should-retry'), 'false');
});

test('an unusable pool names each key and why', async () => {
  await using upstream = await startUpstream();
  upstream.always((request) => (keyOf(request) === 'a' ? failed(429, { 'retry-after': '20' }) : failed(401)));
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1, b: 1 }) } });
  await chat(gateway);
  const refused = await chat(gateway);
  assert.equal(refused.status, 429);
  assert.match(
    refused.json.error.message,
    /a rests for (20|19) s \(429: rate limit\); b rests until it is changed or accepted again \(401/,
  );
  assert.ok(Number(refused.headers.get('retry-after')) >= 19);
});

test('a model that names no provider, or only one, is told apart from a provider without a key', async () => {
  await using gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/openai': { keys: [] }, 'providers/mock': {} },
  });
  const message = async (model?: string): Promise<string> => {
    const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
    });
    return ((await reply.json()) as { error: { message: string } }).error.message;
  };
  assert.match(await message('moc/echo'), /moc is no configured provider\. Set OPENAI_API_KEY/);
  assert.match(await message(), /The request names no model\. Set OPENAI_API_KEY/);
  assert.match(await message('mock'), /For a model of the provider mock, send mock\/MODEL\./);
  assert.match(await message('openai/gpt-4o'), /none is configured\. Set OPENAI_API_KEY/);
  assert.doesNotMatch(await message('openai/meta/llama'), /meta is no/);
  const files = await fetch(`${gateway.url}/openai/v1/files`);
  assert.match(await files.text(), /To ask another provider, name it in x-model-provider\. Set OPENAI_API_KEY/);
});

test('a caller whose own key is not used is told how it would be', async () => {
  await using gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/openai': { keys: [] } } });
  const message = async (headers: Record<string, string>): Promise<string> => {
    const reply = await fetch(`${gateway.url}/openai/v1/files`, { headers });
    return reply.text();
  };
  const key = 'sk-proj-0123456789abcdef0123';
  for (const headers of [{ authorization: `Bearer ${key}` }, { 'api-key': key }, { 'x-api-key': key }]) {
    const text = await message(headers as Record<string, string>);
    assert.match(text, /The key that the request bears would serve it if plugins\/direct-keys were enabled\./);
    assert.doesNotMatch(text, /sk-proj/);
  }
  for (const authorization of [
    'Bearer dummy-key',
    'Bearer sk-bf-0123456789abcdef0123',
    'Basic 0123456789abcdef0123456789',
  ])
    assert.doesNotMatch(await message({ authorization }), /direct-keys/);
});

test('a body whose type keeps its model from being read is not said to name none', async () => {
  await using gateway = await startGateway({
    plugins: { 'routes/anthropic-passthrough': {}, 'providers/anthropic': { keys: [] } },
  });
  const reply = await fetch(`${gateway.url}/anthropic_passthrough/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 5, messages: [] }),
  });
  const { error } = (await reply.json()) as { error: { message: string } };
  assert.match(
    error.message,
    /No model is read from a body of application\/x-www-form-urlencoded: send JSON with content-type: application\/json\./,
  );
});

test('a passthrough says that it goes to one provider alone, not that another is not configured', async () => {
  await using gateway = await startGateway({
    plugins: { 'routes/openai-passthrough': {}, 'providers/openai': { keys: [] }, 'providers/mock': {} },
  });
  const reply = await fetch(`${gateway.url}/openai_passthrough/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"mock/echo","messages":[]}',
  });
  assert.match(
    await reply.text(),
    /none is configured\. A passthrough goes to openai alone, whatever the model\. Set OPENAI/,
  );
});

test('a restricted caller is served only by the keys it may use', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  const restrict = definePlugin({
    name: 'restrict',
    options: z.strictObject({}),
    setup: () => ({
      hooks: {
        preRoute(exchange) {
          exchange.set(callerSlot, { id: 'c', kind: 'virtual-key' });
          exchange.set(keyFilterSlot, (_provider, key) => key === 'b');
        },
      },
    }),
  });
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1, b: 1 }) } },
    { restrict: {} },
    { definitions: { restrict: restrict as never } },
  );
  for (let i = 0; i < 10; i++) assert.equal((await chat(gateway)).headers.get('x-bf-key'), 'b');
  const pinned = await chat(gateway, {}, { 'x-bf-api-key': 'a' });
  assert.match(pinned.json.error.message, /a is not allowed for this caller/);
});

test('the admin API shows the health of every key and can wake one', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(401));
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1 }) } });
  await chat(gateway);
  assert.equal((await fetch(`${gateway.url}/api/keys`)).status, 401);
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const text = await (await fetch(`${gateway.url}/api/keys`, { headers })).text();
  const { keys: shown } = JSON.parse(text) as { keys: Record<string, unknown>[] };
  assert.equal(shown[0]!['state'], 'resting');
  assert.equal(shown[0]!['reason'], '401: not accepted');
  assert.equal(text.includes('sk-a'), false);
  const woken = await fetch(`${gateway.url}/api/keys/openai/a/wake`, { method: 'POST', headers });
  assert.equal(((await woken.json()) as { state: string }).state, 'serving');
  assert.equal((await chat(gateway)).json.error.message, 'failed with 401');
});

test('x-bf-explain shows the candidates and why others were left out', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled({ openai: { upstream, options: keys({ a: 1, off: { enabled: false } }) } });
  const reply = await chat(gateway, {}, { 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken });
  const { decisions } = JSON.parse(reply.headers.get('x-bf-explain')!) as {
    decisions: { by: string; details: Record<string, unknown> }[];
  };
  const decision = decisions.find(({ by }) => by === 'plugins/key-pool')!;
  assert.equal(decision.details['key'], 'a');
  assert.deepEqual(decision.details['skipped'], ['off is disabled']);
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}
