import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';
import { startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { allowedEndpoint } from '../../plugins/direct-keys/allowed-endpoint.ts';
import anthropic from '../../providers/anthropic/index.ts';
import azure from '../../providers/azure/index.ts';
import gemini from '../../providers/gemini/index.ts';
import { chat, failed, keyOf, said, startPooled } from './pooled-gateway.ts';

const messages = [{ role: 'user' as const, content: 'Hello!' }];

/** The gateway of the samples: every provider's own key is in its pool, and all of them are one upstream. */
async function startSamples(
  upstream: Upstream,
  direct: Record<string, unknown> = { enabled: true },
  more: Record<string, unknown> = {},
) {
  upstream.always((request) => {
    if (request.url.includes('/messages')) {
      return {
        json: {
          id: 'm',
          type: 'message',
          role: 'assistant',
          model: 'c',
          content: [{ type: 'text', text: 'Hi' }],
          stop_reason: 'end_turn',
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      };
    }
    if (request.url.includes(':generateContent')) {
      return {
        json: {
          candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP', index: 0 }],
          usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
        },
      };
    }
    return said('Hi');
  });
  return startPooled(
    { openai: upstream, other: upstream },
    {
      'providers/anthropic': upstream.provider(),
      'providers/gemini': upstream.provider(),
      'providers/azure': { keys: [{ name: 'pool', value: 'azure-pool-key', endpoint: upstream.url }] },
      'plugins/direct-keys': direct,
      ...more,
    },
    {
      definitions: { 'providers/anthropic': anthropic, 'providers/gemini': gemini, 'providers/azure': azure } as never,
    },
  );
}

test('the OpenAI sample with an own key sends that key', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-your-openai-key' });
  const response = await client.chat.completions.create({ model: 'openai/gpt-4o-mini', messages });
  assert.equal(response.choices[0]!.message.content, 'Hi');
  assert.equal(upstream.requests[0]!.headers['authorization'], 'Bearer sk-your-openai-key');
});

test('the samples with a placeholder and a key per request send the key to its provider and never the placeholder', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'dummy-key' });
  await client.chat.completions.create(
    { model: 'gpt-4o-mini', messages },
    { headers: { Authorization: 'Bearer sk-your-openai-key' } },
  );
  const claude = await client.chat.completions.create(
    { model: 'anthropic/claude-3-sonnet-20240229', messages },
    { headers: { 'x-api-key': 'sk-ant-your-anthropic-key' } },
  );
  assert.equal(claude.choices[0]!.message.content, 'Hi');
  const flash = await client.chat.completions.create(
    { model: 'gemini/gemini-2.5-flash', messages },
    { headers: { 'x-goog-api-key': 'sk-gemini-your-gemini-key' } },
  );
  assert.equal(flash.choices[0]!.message.content, 'Hi');
  const [openai, anthropicCall, geminiCall] = upstream.requests;
  assert.equal(openai!.headers['authorization'], 'Bearer sk-your-openai-key');
  assert.equal(anthropicCall!.headers['x-api-key'], 'sk-ant-your-anthropic-key');
  assert.equal(anthropicCall!.headers['authorization'], undefined);
  assert.ok(
    geminiCall!.headers['x-goog-api-key'] === 'sk-gemini-your-gemini-key' || geminiCall!.url.includes('sk-gemini'),
  );
  for (const { rawHeaders } of upstream.requests)
    assert.equal(
      rawHeaders.some((text) => text.includes('dummy')),
      false,
    );
});

test("a token of a Claude subscription goes to Anthropic as one, with the caller's beta features and its own", async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const headers = { authorization: 'Bearer sk-ant-oat01-mine', 'anthropic-beta': 'future-1' };
  await chat(gateway, { model: 'anthropic/claude-sonnet-4-5' }, headers);
  const seen = upstream.requests.at(-1)!.headers;
  assert.deepEqual([seen['authorization'], seen['x-api-key']], ['Bearer sk-ant-oat01-mine', undefined]);
  assert.equal(seen['anthropic-beta'], 'future-1,oauth-2025-04-20');
});

test('the AzureOpenAI sample sends its api-key and api-version to the endpoint that it names', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const client = new AzureOpenAI({
    apiKey: 'your-own-azure-key',
    apiVersion: '2024-02-01',
    endpoint: `${gateway.url}/openai`,
    defaultHeaders: { 'x-bf-azure-endpoint': upstream.url },
  });
  const response = await client.chat.completions.create({ model: 'gpt-4-deployment', messages });
  assert.equal(response.choices[0]!.message.content, 'Hi');
  const [seen] = upstream.requests;
  assert.equal(seen!.url, '/openai/deployments/gpt-4-deployment/chat/completions?api-version=2024-02-01');
  assert.equal(seen!.headers['api-key'], 'your-own-azure-key');
  assert.equal('x-bf-azure-endpoint' in seen!.headers, false);
});

test('an own Azure key without its endpoint is refused with the name of the header', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const reply = await chat(gateway, { model: 'azure/gpt-4o' }, { 'api-key': 'own' });
  assert.equal(reply.status, 400);
  assert.match(reply.json.error.message, /x-bf-azure-endpoint/);
});

test('an endpoint is refused without an own key, when it is not allowed, and when it lies inside', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream, {
    enabled: true,
    endpoints: ['*.openai.azure.com', 'http://*.nip.io', 'http://*.0.0.1:1'],
  });
  const ask = (endpoint: string, headers: Record<string, string> = { 'api-key': 'own' }) =>
    chat(gateway, { model: 'azure/gpt-4o' }, { 'x-bf-azure-endpoint': endpoint, ...headers });
  for (const reply of [
    await ask(upstream.url, {}),
    await ask(upstream.url, { 'api-key': 'dummy' }),
    await ask('https://evil.example'),
    await ask('http://127.0.0.1:1'),
  ]) {
    assert.equal(reply.status, 403);
    assert.equal(reply.json.error.code, 'host_not_allowed');
  }
  assert.equal(upstream.requests.length, 0);
});

test('the SSRF list is refused as an endpoint, however the address is written', () => {
  const patterns = ['*.openai.azure.com'];
  const hosts = [
    'http://127.0.0.1',
    'http://localhost',
    'http://10.0.0.1',
    'http://172.16.0.1',
    'http://192.168.1.1',
    'http://169.254.169.254',
    'http://100.64.0.1',
    'http://[::1]',
    'http://[fd00::1]',
    'http://[fe80::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[64:ff9b::7f00:1]',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://0x7f.1',
    'https://metadata.google.internal',
    'file:///etc/passwd',
    'gopher://x.openai.azure.com',
    'https://x.openai.azure.com@evil.example',
    'https://evil.example/x.openai.azure.com',
    'https://evil.example#.openai.azure.com',
    'https://x.openai.azure.com/?a=b',
    'https://x.openai.azure.com/path',
    'https://x.openai.azure.com.evil.example',
    'https://evilopenai.azure.com',
    'https://openai.azure.com',
    'http://x.openai.azure.com',
    'https://x.openai.azure.com:8443',
    'https://x.openai.azure.com.',
    'x.openai.azure.com',
    '',
  ];
  for (const host of hosts)
    assert.throws(() => allowedEndpoint(host, patterns, new Set()), { code: 'GUARD_HOST' }, host);
  assert.deepEqual(allowedEndpoint('https://My-Resource.openai.azure.com/', patterns, new Set()), {
    origin: 'https://my-resource.openai.azure.com',
    configured: false,
  });
});

test('virtual keys, admin tokens and placeholders are never sent; the pool serves', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream, {
    enabled: true,
    placeholders: ['dummy', 'none', '', 'my-own-dummy'],
  });
  const credentials = [
    'Bearer sk-bf-abc',
    'Bearer SK-BF-abc',
    'Bearer dummy',
    'bearer None',
    'Bearer ',
    'Bearer My-Own-Dummy',
    `Bearer ${gateway.adminToken}`,
    'Basic YTpi',
  ];
  for (const authorization of credentials)
    assert.equal((await chat(gateway, {}, { authorization })).headers.get('x-bf-key'), 'main', authorization);
  for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) await chat(gateway, {}, { [name]: 'sk-bf-abc' });
  for (const request of upstream.requests) {
    assert.equal(keyOf(request), 'upstream');
    for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) assert.equal(name in request.headers, false);
  }
});

test('a real key behind a virtual key or a placeholder counts', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  await chat(gateway, {}, { authorization: 'Bearer sk-bf-abc', 'x-api-key': 'sk-own' });
  await chat(gateway, {}, { 'x-api-key': 'none', 'api-key': 'sk-own' });
  assert.deepEqual(upstream.requests.map(keyOf), ['own', 'own']);
});

test('is off unless the config enables it', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream, {});
  await chat(gateway, {}, { authorization: 'Bearer sk-own' });
  assert.equal(keyOf(upstream.requests[0]!), 'upstream');
});

test("a refused own key brings back the provider's own 401 with a hint, and is not tried again", async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream, { enabled: true }, { 'plugins/retries': { retries: 2 } });
  upstream.always(failed(401, {}, 'invalid_api_key'));
  const reply = await chat(gateway, {}, { authorization: 'Bearer sk-ant-mine' });
  assert.equal(reply.status, 401);
  assert.equal(reply.json.error.message, 'failed with 401');
  assert.match(
    reply.headers.get('x-bf-hint')!,
    /openai refused the key sent in authorization.*Keys of openai start with sk-\. This one looks like a key of anthropic\./,
  );
  assert.equal(upstream.requests.length, 1);
  assert.equal((await chat(gateway)).json.error.message, 'failed with 401', 'the pool is not told of it');
});

test('a fallback is served by the pool, never by the own key', async () => {
  await using upstream = await startUpstream();
  await using spare = await startUpstream();
  spare.always(said('from the spare'));
  await using gateway = await startPooled(
    { openai: upstream, spare },
    { 'plugins/direct-keys': { enabled: true }, 'plugins/fallbacks': {} },
  );
  upstream.always(failed(500));
  const reply = await chat(gateway, { fallbacks: ['spare/gpt-4o'] }, { authorization: 'Bearer sk-own' });
  assert.equal(reply.status, 200);
  assert.equal(keyOf(upstream.requests[0]!), 'own');
  assert.equal(keyOf(spare.requests[0]!), 'upstream');
});

test('an own key is neither logged nor shown', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startSamples(upstream);
  const reply = await chat(
    gateway,
    {},
    { authorization: 'Bearer sk-canary-own', 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken },
  );
  assert.equal(reply.headers.get('x-bf-key'), 'direct');
  const shown = JSON.stringify([[...reply.headers], reply.text, gateway.logs]);
  assert.equal(shown.includes('canary'), false);
});
