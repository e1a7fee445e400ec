import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { type SeenRequest, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

const completion = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
};

/** Sets variables of the process for one test. */
function setEnvironment(t: TestContext, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

/** Asks an Azure deployment whose key is an identity. Gives the authorization that reached it. */
async function ask(upstream: Upstream, key: object, options: object = {}): Promise<string | undefined> {
  await using gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/azure': { ...options, keys: [{ name: 'main', endpoint: upstream.url, ...key }] },
    },
  });
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'client', maxRetries: 0 });
  await client.chat.completions.create({ model: 'azure/gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
  return upstream.requests.at(-1)!.headers.authorization;
}

const isToken = ({ url }: SeenRequest): boolean => url.includes('token');

test('a Kubernetes workload shows the token of its file, as it is then, to Entra', async (t) => {
  await using upstream = await startUpstream();
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-identity-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  setEnvironment(t, {
    AZURE_TENANT_ID: 'tenant-1',
    AZURE_CLIENT_ID: 'app-1',
    AZURE_FEDERATED_TOKEN_FILE: file,
    AZURE_AUTHORITY_HOST: `${upstream.url}/`,
  });
  upstream.always((request) => ({
    json: isToken(request) ? { access_token: 'entra-token', expires_in: 3_600 } : completion,
  }));
  for (const token of ['first', 'second']) {
    writeFileSync(file, `${token}\n`);
    assert.equal(await ask(upstream, { identity: 'workload' }), 'Bearer entra-token');
    const { url, body } = upstream.requests.findLast(isToken)!;
    assert.equal(url, '/tenant-1/oauth2/v2.0/token');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(body.toString())), {
      grant_type: 'client_credentials',
      client_id: 'app-1',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
      scope: 'https://cognitiveservices.azure.com/.default',
    });
  }
  await ask(upstream, { identity: 'workload', clientId: 'app-2', tenantId: 'tenant-2' });
  const { url, body } = upstream.requests.findLast(isToken)!;
  assert.equal(url, '/tenant-2/oauth2/v2.0/token');
  assert.equal(new URLSearchParams(body.toString()).get('client_id'), 'app-2');
});

test('a service of Azure gets its managed identity from the endpoint that its environment names', async (t) => {
  await using upstream = await startUpstream();
  setEnvironment(t, { IDENTITY_ENDPOINT: `${upstream.url}/msi/token`, IDENTITY_HEADER: 'header-secret' });
  const end = String(Math.floor(Date.now() / 1_000) + 3_600);
  upstream.always((request) => ({
    json: isToken(request) ? { access_token: 'managed-token', expires_on: end } : completion,
  }));
  assert.equal(await ask(upstream, { identity: 'managed', clientId: 'app-1' }), 'Bearer managed-token');
  const { url, headers } = upstream.requests.findLast(isToken)!;
  assert.equal(
    url,
    '/msi/token?resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=app-1&api-version=2019-08-01',
  );
  assert.equal(headers['x-identity-header'], 'header-secret');
});

test('a virtual machine gets its managed identity from the metadata service, also when that is not ready yet', async (t) => {
  await using upstream = await startUpstream();
  setEnvironment(t, { AZURE_POD_IDENTITY_AUTHORITY_HOST: upstream.url });
  let asked = 0;
  upstream.always((request) => {
    if (!isToken(request)) return { json: completion };
    asked += 1;
    return asked < 3
      ? { status: asked === 1 ? 404 : 429, json: { error: 'not yet' } }
      : { json: { access_token: 'machine-token', expires_in: '3599' } };
  });
  assert.equal(await ask(upstream, { identity: 'managed' }), 'Bearer machine-token');
  const { url, headers } = upstream.requests.findLast(isToken)!;
  assert.equal(
    url,
    '/metadata/identity/oauth2/token?resource=https%3A%2F%2Fcognitiveservices.azure.com&api-version=2018-02-01',
  );
  assert.equal(headers['metadata'], 'true');
  assert.equal(asked, 3);
});

test('says what is missing, and what the service said, when there is no identity', async (t) => {
  await using upstream = await startUpstream();
  await assert.rejects(
    ask(upstream, { identity: 'workload' }),
    /AZURE_TENANT_ID is not set: this process has no workload/,
  );
  setEnvironment(t, { AZURE_POD_IDENTITY_AUTHORITY_HOST: upstream.url });
  upstream.always({ status: 400, json: { error: 'invalid_request', error_description: 'Identity not found' } });
  await assert.rejects(ask(upstream, { identity: 'managed' }), /The metadata service answered 400: Identity not found/);
  assert.equal(upstream.requests.length, 1);
});

for (const [key, words] of [
  [{ identity: 'managed', value: 'azure-key' }, /the key main has value beside identity "managed": keep one of them/],
  [{ identity: 'managed', tenantId: 't' }, /the key main has tenantId beside identity "managed"/],
  [{ identity: 'workload', clientSecret: 's' }, /the key main has clientSecret beside identity "workload"/],
] as const) {
  test(`refuses to start with an identity beside ${Object.keys(key)[1]}`, async () => {
    const keys = [{ name: 'main', endpoint: 'https://x.openai.azure.com', ...key }];
    await assert.rejects(startGateway({ plugins: { 'providers/azure': { keys } } }), words);
  });
}
