import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { RunningGateway } from '../../plugin-sdk/testing/index.ts';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { call, type ErrorJson, startGoverned, used } from './governed-gateway.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Shown & ErrorJson & { readonly data: readonly Shown[] };
}

/** What answers hold, as far as tests look at it. */
interface Shown {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly active: boolean;
  readonly origin: string;
  readonly unit: string;
  readonly used: number;
  readonly limit: number;
  readonly action: string;
  readonly kind: string;
  readonly actor: { readonly id: string };
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

async function api(
  gateway: RunningGateway,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${gateway.url}/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
}

const withAdmin = { governance: { required: true }, plugins: { 'plugins/admin-api': {} } };

test('a body that is too large is refused with what helps at this endpoint', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const { status, json } = await api(gateway, 'POST', 'teams', { name: 'x'.repeat(1_100_000) });
  assert.equal(status, 413);
  assert.match(json.error.message, /larger than the 1048576 bytes/);
  assert.doesNotMatch(json.error.message, /server\.limits/);
});

test('makes a virtual key that works on the next call and shows its value once', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, withAdmin);
  const made = await api(gateway, 'POST', 'virtual-keys', { name: 'Marketing', providers: ['openai'] });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  assert.match(made.json.value, /^sk-bf-[\w-]{32}$/);
  assert.equal(made.headers.get('etag'), '"1"');
  assert.equal(made.headers.get('location'), `/api/virtual-keys/${made.json.id}`);
  const headers = { authorization: `Bearer ${made.json.value}` };
  assert.equal((await call(gateway, headers)).status, 200);
  const read = await api(gateway, 'GET', `virtual-keys/${made.json.id}`);
  assert.equal(read.json.value, undefined);
  assert.equal(read.json.name, 'Marketing');

  const off = await api(gateway, 'PATCH', `virtual-keys/${made.json.id}`, { active: false });
  assert.equal(off.json.active, false);
  await turn();
  assert.equal((await call(gateway, headers)).status, 403);
  await api(gateway, 'PATCH', `virtual-keys/${made.json.id}`, { active: true });
  const rotated = await api(gateway, 'POST', `virtual-keys/${made.json.id}/rotate`, {});
  await turn();
  assert.equal((await call(gateway, headers)).status, 401);
  assert.equal((await call(gateway, { 'x-bf-vk': rotated.json.value })).status, 200);
  assert.equal((await api(gateway, 'DELETE', `virtual-keys/${made.json.id}`)).status, 204);
  await turn();
  assert.equal((await call(gateway, { 'x-bf-vk': rotated.json.value })).status, 401);
});

test('refuses a change of what was changed meanwhile', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  await api(gateway, 'POST', 'teams', { id: 'red', name: 'Red' });
  const tag = { 'if-match': '"1"' };
  assert.equal((await api(gateway, 'PUT', 'teams/red', { name: 'Redder' }, tag)).status, 200);
  for (const [method, body] of [
    ['PUT', { name: 'Late' }],
    ['PATCH', {}],
    ['DELETE', undefined],
  ] as const) {
    const late = await api(gateway, method, 'teams/red', body, tag);
    assert.equal(late.status, 412);
    assert.equal(late.json.error.code, 'conflict');
  }
  assert.equal((await api(gateway, 'PUT', 'teams/red', { name: 'X' }, { 'if-match': 'whatever' })).status, 412);
});

test('names the path of everything that is wrong', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const wrong = await api(gateway, 'POST', 'virtual-keys', {
    name: '',
    providers: [{ provider: 'openai', budgets: [{ limit: -1, period: '1x' }] }],
    budget: 3,
  });
  assert.equal(wrong.status, 400);
  assert.deepEqual(wrong.json.error.details.map(({ path }) => path).sort(), [
    'budget',
    'name',
    'providers[0].budgets[0].limit',
    'providers[0].budgets[0].period',
  ]);
  assert.match(wrong.json.error.message, /budget/);
  const missing = await api(gateway, 'POST', 'virtual-keys', { name: 'A', team: 'nobody' });
  assert.deepEqual(missing.json.error.details, [{ path: 'team', message: 'there is no team nobody' }]);
  const day = await api(gateway, 'POST', 'virtual-keys', { name: 'A', expiresAt: '2026-12-01' });
  assert.match(day.json.error.message, /^expiresAt: use a time with its zone, such as 2026-12-31T23:59:59Z$/);
  assert.equal((await api(gateway, 'POST', 'virtual-keys', '{nonsense')).status, 400);
  assert.equal((await api(gateway, 'GET', 'virtual-keys?limit=0')).status, 400);
});

test('keeps what others still name, and takes an id or a value only once', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  await api(gateway, 'POST', 'customers', { id: 'acme', name: 'Acme' });
  await api(gateway, 'POST', 'teams', { id: 'red', name: 'Red', customer: 'acme' });
  assert.equal((await api(gateway, 'POST', 'teams', { id: 'red', name: 'Red' })).status, 400);
  const kept = await api(gateway, 'DELETE', 'customers/acme');
  assert.equal(kept.status, 400);
  assert.match(kept.json.error.message, /still named by team red/);
  const value = 'a-value-of-my-own-choice';
  assert.equal((await api(gateway, 'POST', 'virtual-keys', { name: 'A', value })).status, 201);
  const twice = await api(gateway, 'POST', 'virtual-keys', { name: 'B', value });
  assert.equal(twice.status, 409);
  assert.equal(twice.json.error.param, 'value');
});

test('of two calls that make a virtual key of the same value at once, one is told that it is taken', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, withAdmin);
  const value = 'a-value-that-two-want-at-once';
  const make = (id: string) => api(gateway, 'POST', 'virtual-keys', { id, name: id, value });
  const both = await Promise.all([make('a'), make('b')]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
  const { error } = both.find(({ status }) => status === 409)!.json;
  assert.equal(error.param, 'value');
  assert.match(error.message, /virtual key has this value already/);
  const rotated = await api(gateway, 'POST', 'virtual-keys', { id: 'c', name: 'c' });
  assert.equal(rotated.status, 201);
  assert.equal((await api(gateway, 'POST', 'virtual-keys/c/rotate', { value })).json.error.param, 'value');
  assert.equal((await call(gateway, { 'x-bf-vk': value })).status, 200);
});

test('of calls that give two provider keys of one provider the same name at once, one is refused', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const make = (id: string, name: string) =>
    api(gateway, 'POST', 'provider-keys', { id, provider: 'openai', name, value: `sk-value-of-${id}` });
  const made = await Promise.all(['a', 'b', 'c', 'd'].map((id) => make(id, 'twin')));
  assert.equal(made.filter(({ status }) => status === 201).length, 1);
  for (const { json } of made.filter(({ status }) => status !== 201)) assert.equal(json.error.param, 'name');
  assert.equal((await api(gateway, 'GET', 'provider-keys')).json.data.length, 1);
});

test('never both deletes a team and makes a virtual key that names it, when asked for both at once', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  for (let i = 0; i < 10; i++) {
    await api(gateway, 'POST', 'teams', { id: `t${i}`, name: 'T' });
    const [gone, made] = await Promise.all([
      api(gateway, 'DELETE', `teams/t${i}`),
      api(gateway, 'POST', 'virtual-keys', { name: 'K', team: `t${i}` }),
    ]);
    assert.ok(gone.status !== 204 || made.status !== 201, `round ${i}`);
    assert.ok(gone.status === 204 || made.status === 201, `round ${i}: ${gone.status} ${made.status}`);
    if (made.status !== 201) assert.equal(made.json.error.param, 'team');
  }
});

test('leaves alone what the config file declares, and says so', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, {
    ...withAdmin,
    governance: { virtualKeys: [{ id: 'fixed', value: 'sk-bf-fixed-in-the-config-file' }] },
  });
  const read = await api(gateway, 'GET', 'virtual-keys/fixed');
  assert.equal(read.json.origin, 'config');
  for (const [method, path, body] of [
    ['PUT', 'fixed', { name: 'x' }],
    ['PATCH', 'fixed', {}],
    ['DELETE', 'fixed', undefined],
    ['POST', 'fixed/rotate', {}],
  ] as const) {
    const refused = await api(gateway, method, `virtual-keys/${path}`, body);
    assert.equal(refused.status, 409);
    assert.match(refused.json.error.message, /declared in the config file, which wins/);
  }
});

test('shows and resets how far limits are used', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, withAdmin);
  const { json } = await api(gateway, 'POST', 'virtual-keys', {
    id: 'k',
    name: 'K',
    budgets: [{ limit: 1, period: '1d' }],
  });
  await call(gateway, { 'x-bf-vk': json.value });
  await turn(50);
  const usage = await api(gateway, 'GET', 'virtual-keys/k/usage');
  assert.deepEqual(
    usage.json.data.map(({ unit, used: spent, limit }) => [unit, spent, limit]),
    [['usd', 0.0006, 1]],
  );
  const reset = await api(gateway, 'POST', 'virtual-keys/k/reset-usage');
  assert.equal(reset.json.data[0]!.used, 0);
});

test('writes every change to a trail without credentials', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const { json } = await api(gateway, 'POST', 'virtual-keys', { id: 'k', name: 'K' });
  await api(gateway, 'PATCH', 'virtual-keys/k', { name: 'L' });
  await api(gateway, 'POST', 'provider-keys', {
    id: 'p',
    provider: 'openai',
    name: 'extra',
    value: 'sk-canary-provider-key',
  });
  await api(gateway, 'DELETE', 'virtual-keys/k');
  const trail = await api(gateway, 'GET', 'audit');
  assert.deepEqual(
    trail.json.data.map(({ action, kind }) => `${action} ${kind}`),
    ['delete virtual-key', 'create provider-key', 'update virtual-key', 'create virtual-key'],
  );
  assert.equal(trail.json.data[0]!.actor.id, 'admin:test');
  const text = JSON.stringify([trail.json, (await api(gateway, 'GET', 'provider-keys')).json, gateway.logs]);
  assert.ok(!text.includes('canary-provider-key') && !text.includes(json.value));
});

test('serves with a provider key that was added at run time, and no longer when it is gone', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, { ...withAdmin, governance: {} });
  const value = 'sk-added-at-run-time';
  const key = { id: 'extra', provider: 'openai', name: 'extra', weight: 1e12, value };
  assert.equal((await api(gateway, 'POST', 'provider-keys', key)).status, 201);
  await turn();
  await call(gateway);
  assert.equal(upstream.requests.at(-1)!.headers.authorization, `Bearer ${value}`);
  await api(gateway, 'POST', 'provider-keys/extra/rotate', { value: 'sk-another-value' });
  await turn();
  await call(gateway);
  assert.equal(upstream.requests.at(-1)!.headers.authorization, 'Bearer sk-another-value');
  await api(gateway, 'DELETE', 'provider-keys/extra');
  await turn();
  await call(gateway);
  assert.match(upstream.requests.at(-1)!.headers.authorization!, /canary-upstream/);
});

test('answers nobody without an admin token of the right scope', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, {
    ...withAdmin,
    admin: { tokens: [{ name: 'reader', value: 'bfa_reader-token', scopes: ['read'] }] } as never,
  });
  const { json } = await api(gateway, 'GET', 'openapi.json');
  for (const [path, operations] of Object.entries(json.paths)) {
    for (const method of Object.keys(operations).filter((name) => name !== 'parameters')) {
      const target = path.replace('/api/', '').replace('{id}', 'any');
      for (const authorization of ['', 'Bearer wrong', 'Bearer sk-bf-nobody']) {
        const refused = await api(gateway, method.toUpperCase(), target, method === 'get' ? undefined : {}, {
          authorization,
        });
        assert.equal(refused.status, 401, `${method} ${path}`);
      }
      if (target === 'quota') continue;
      const reader = await api(gateway, method.toUpperCase(), target, method === 'get' ? undefined : {}, {
        authorization: 'Bearer bfa_reader-token',
      });
      if (method === 'get') assert.notEqual(reader.status, 403, path);
      else assert.equal(reader.status, 403, `${method} ${path}`);
    }
  }
});

test('keeps the contract of its own OpenAPI document', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const document = (await api(gateway, 'GET', 'openapi.json')).json;
  assert.equal(document.openapi, '3.1.0');
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'api');
  const fits = (path: string, method: string, status: number, value: unknown): void => {
    const pointer = `paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}/responses/${status}/content/application~1json/schema`;
    const validate = ajv.compile({ $ref: `api#/${pointer}` });
    assert.ok(validate(value), `${method} ${path}: ${JSON.stringify(validate.errors)}`);
  };
  const bodies: Record<string, object> = {
    'virtual-keys': {
      id: 'x',
      name: 'X',
      budgets: [{ limit: 1, period: '1M', calendar: true }],
      providers: ['openai'],
    },
    teams: { id: 'x', name: 'X', rateLimits: [{ requests: 5, period: '1m' }] },
    customers: { id: 'x', name: 'X' },
    limits: { id: 'x', provider: 'openai', concurrency: 3 },
    'provider-keys': { id: 'x', provider: 'openai', name: 'late', value: 'sk-12345678' },
  };
  for (const [path, body] of Object.entries(bodies)) {
    const base = `/api/${path}`;
    const made = await api(gateway, 'POST', path, body);
    assert.equal(made.status, 201, JSON.stringify(made.json));
    fits(base, 'post', 201, made.json);
    fits(base, 'get', 200, (await api(gateway, 'GET', path)).json);
    fits(`${base}/{id}`, 'get', 200, (await api(gateway, 'GET', `${path}/x`)).json);
    fits(`${base}/{id}`, 'patch', 200, (await api(gateway, 'PATCH', `${path}/x`, {})).json);
    if (path !== 'provider-keys')
      fits(`${base}/{id}/usage`, 'get', 200, (await api(gateway, 'GET', `${path}/x/usage`)).json);
    const refused = await api(gateway, 'POST', path, { nonsense: 1 });
    const error = ajv.compile({ $ref: 'api#/components/schemas/Error' });
    assert.ok(error(refused.json), JSON.stringify(error.errors));
  }
});

test('never fails on its own account, whatever it is sent', { timeout: 60_000 }, async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const member = fc.constantFrom(
    'id',
    'name',
    'value',
    'team',
    'providers',
    'budgets',
    'rateLimits',
    'expiresAt',
    '__proto__',
    'models',
    'provider',
    'aliases',
    'x',
  );
  const limitLike = fc.record(
    { limit: fc.oneof(fc.double(), fc.string()), period: fc.oneof(fc.constant('1d'), fc.string()) },
    { requiredKeys: [] },
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.array(limitLike),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constant('1d'),
  );
  const body = fc.oneof(
    fc.dictionary(member, value).map((json) => JSON.stringify(json)),
    fc.string({ maxLength: 200 }),
  );
  const path = fc
    .tuple(
      fc.constantFrom('virtual-keys', 'teams', 'customers', 'limits', 'provider-keys'),
      fc.constantFrom(
        '',
        '/',
        '/x',
        '/x/rotate',
        '/x/usage',
        '/%00',
        `/${'a'.repeat(3_000)}`,
        '/%E0%A4%A',
        '?limit=a',
        '?offset=1e9&search=%',
      ),
    )
    .map((parts) => parts.join(''));
  const tag = fc.constantFrom('"1"', '*', 'W/"0"', '"99999999999999999999"', 'x');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
      path,
      body,
      tag,
      async (method, where, sent, match) => {
        const answer = await api(gateway, method, where, method === 'GET' ? undefined : sent, { 'if-match': match });
        assert.ok(answer.status < 500, `${method} ${where} ${sent}: ${JSON.stringify(answer.json)}`);
      },
    ),
    { numRuns: 400 },
  );
});

/** Another process, or this one, sees a change when LMDB renews its view: a millisecond. */
function turn(ms = 5): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test('names every wrong member of a create call at once, unknown ones included', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const refused = await api(gateway, 'POST', 'virtual-keys', { id: 'a b', nmae: 'x', budgets: [{ limit: -1 }] });
  const { details } = (refused.json as unknown as { error: { details: { path: string }[] } }).error;
  assert.equal(refused.status, 400);
  assert.deepEqual(details.map(({ path }) => path).sort(), [
    'budgets[0].limit',
    'budgets[0].period',
    'id',
    'name',
    'nmae',
  ]);
});

test('a merge removes what is null at any depth and leaves its neighbours', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGoverned(upstream, withAdmin);
  const key = { id: 'k', provider: 'openai', name: 'run', value: 'sk-12345678', aliases: { a: 'x', b: 'y' } };
  assert.equal((await api(gateway, 'POST', 'provider-keys', key)).status, 201);
  const merged = await api(gateway, 'PATCH', 'provider-keys/k', { aliases: { a: null, c: 'z' } });
  assert.equal(merged.status, 200, JSON.stringify(merged.json));
  assert.deepEqual((merged.json as unknown as { aliases: object }).aliases, { b: 'y', c: 'z' });
});
