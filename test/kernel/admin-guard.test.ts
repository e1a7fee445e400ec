import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeConfig } from '../../kernel/describe-config.ts';
import { chatGateway, plugin } from './chat-gateway.ts';

const changes: string[] = [];
const admin = plugin('admin', {
  routes: [
    {
      type: 'handler',
      method: 'POST',
      path: '/change',
      guard: { admin: 'write' },
      handler: (context) => {
        changes.push(context.get('admin' as never));
        return context.json({});
      },
    },
    {
      type: 'handler',
      method: 'GET',
      path: '/failing',
      guard: { public: true },
      handler: () => {
        throw new Error('no');
      },
    },
    {
      type: 'handler',
      method: 'POST',
      path: '/echo',
      guard: { public: true },
      handler: async (context) => context.text(await context.req.text()),
    },
  ],
});

const cookie = 'bifrost_admin=bfa_test-token';

const refused: [string, Record<string, string>][] = [
  ['from nobody', {}],
  ['by cookie from another site', { cookie, 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }],
  ['by cookie from a sibling site', { cookie, 'sec-fetch-site': 'same-site' }],
  ['by cookie of which nobody says where it comes from', { cookie }],
  [
    'by cookie from another site through a proxy with a password',
    { cookie, 'sec-fetch-site': 'cross-site', authorization: 'Basic dTpw' },
  ],
  [
    'by cookie from another site with an empty bearer',
    { cookie, 'sec-fetch-site': 'cross-site', authorization: 'Bearer ' },
  ],
  ['with a wrong token', { authorization: 'Bearer bfa_other' }],
];

for (const [what, headers] of refused) {
  test(`a change ${what} is refused`, async () => {
    await using gateway = await chatGateway({ admin });
    changes.length = 0;
    const reply = await fetch(`${gateway.url}/change`, { method: 'POST', headers });
    assert.equal(reply.status, 401);
    assert.deepEqual(changes, []);
  });
}

for (const [what, headers] of [
  ['by token', { authorization: 'Bearer bfa_test-token' }],
  ['by token from another site', { authorization: 'Bearer bfa_test-token', 'sec-fetch-site': 'cross-site' }],
  ['by cookie from the page itself', { cookie: `a=b; ${cookie}`, 'sec-fetch-site': 'same-origin' }],
] as const) {
  test(`a change ${what} is made, under the token's name`, async () => {
    await using gateway = await chatGateway({ admin });
    changes.length = 0;
    const reply = await fetch(`${gateway.url}/change`, { method: 'POST', headers });
    assert.equal(reply.status, 200);
    assert.deepEqual(changes, ['test']);
  });
}

test("the gateway's own endpoints say a request id, and their failures are in the log under it", async () => {
  await using gateway = await chatGateway({ admin });
  const reply = await fetch(`${gateway.url}/failing`);
  assert.equal(reply.status, 500);
  const id = reply.headers.get('x-request-id');
  assert.match(id ?? '', /^req_/);
  const line = gateway.logs.find(({ fields }) => fields['request'] === id);
  assert.match(String((line?.fields['err'] as Error | undefined)?.message), /no/);
  const unknown = await fetch(`${gateway.url}/nothing/here`);
  assert.equal(unknown.status, 404);
  assert.match(unknown.headers.get('x-request-id') ?? '', /^req_/);
});

test("a method that the gateway's own endpoint does not take is refused with those that it does", async () => {
  await using gateway = await chatGateway({ admin });
  const reply = await fetch(`${gateway.url}/change`, { method: 'DELETE' });
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.get('allow'), 'POST');
  const { error } = (await reply.json()) as { error: { message: string; code: string } };
  assert.equal(error.code, 'method_not_allowed');
  assert.match(error.message, /DELETE is not allowed on \/change.*Use POST/s);
});

test("the gateway's own endpoints take no body above the limit", async () => {
  await using gateway = await chatGateway({ admin }, { server: { limits: { bodyBytes: 1_000 } } });
  assert.equal((await fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(1_000) })).status, 200);
  assert.equal((await fetch(`${gateway.url}/echo`, { method: 'POST' })).status, 200);
  const reply = await fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(1_001) });
  assert.equal(reply.status, 413);
  assert.equal(((await reply.json()) as { error: { code: string } }).error.code, 'request_too_large');
  const chunked = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(600)) });
  const endless = await fetch(`${gateway.url}/echo`, {
    method: 'POST',
    body: chunked,
    duplex: 'half',
  } as RequestInit).catch(() => undefined);
  assert.ok(endless === undefined || endless.status === 411);
});

test('the config that pages show hides what is or may be a credential', () => {
  const shown = JSON.stringify(
    describeConfig({
      plugins: {
        a: {
          failOpen: false,
          options: {
            apiKey: 'hide-1',
            headers: { 'x-api-key': 'hide-2', Authorization: 'hide-3', 'x-team': 'show-1' },
          },
        },
        b: {
          failOpen: false,
          options: {
            tokens: ['hide-4'],
            secrets: { one: 'hide-5' },
            privateKey: 'hide-6',
            baseUrl: 'https://user:hide-7@host/show-2',
          },
        },
        c: {
          failOpen: false,
          options: {
            keys: [{ name: 'show-3', value: 'hide-8', credentials: { private_key: 'hide-9' } }],
            maxTokens: 7,
          },
        },
        d: {
          failOpen: false,
          options: {
            cookie: 'hide-a',
            passphrase: 'hide-b',
            connectionString: 'hide-c',
            clientSecret: 'hide-d',
            signingSecrets: ['hide-e'],
          },
        },
      },
    } as never),
  );
  assert.doesNotMatch(shown, /hide-/);
  for (const visible of ['show-1', 'show-2', 'show-3', '"maxTokens":7']) assert.ok(shown.includes(visible), visible);
});
