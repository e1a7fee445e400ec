import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

const key = 'AIza-made-up-key-of-the-operator';

/** How Google words it, key included. */
const suspended = {
  error: {
    code: 403,
    message: `Permission denied: Consumer 'api_key:${key}' has been suspended.`,
    status: 'PERMISSION_DENIED',
    details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', metadata: { containerInfo: `api_key:${key}` } }],
  },
};

const calls = {
  translated: [
    '/openai/v1/chat/completions',
    { model: 'gemini/gemini-2.5-flash', messages: [{ role: 'user', content: 'Hi' }] },
  ],
  carried: ['/openai/v1/chat/completions', { model: 'openai/gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }],
  adapted: ['/openai/v1/embeddings', { model: 'gemini/gemini-embedding-001', input: 'Hi' }],
  'passed through': ['/genai_passthrough/v1beta/models/gemini-2.5-flash:generateContent', { contents: [] }],
} as const;

for (const [way, [path, body]] of Object.entries(calls)) {
  for (const compressed of [false, true]) {
    test(`keeps the key out of a failure that quotes it, ${way}${compressed ? ', compressed' : ''}`, async () => {
      await using upstream = await startUpstream();
      const provider = upstream.provider({ keys: [{ name: 'main', value: key }] });
      await using gateway = await startGateway({
        plugins: {
          'routes/openai': {},
          'routes/genai-passthrough': {},
          'providers/gemini': provider,
          'providers/openai': provider,
        },
      });
      const bytes = Buffer.from(JSON.stringify(suspended));
      const json = { 'content-type': 'application/json' };
      upstream.always(
        compressed
          ? { status: 403, headers: { ...json, 'content-encoding': 'gzip' }, body: gzipSync(bytes) }
          : { status: 403, headers: json, body: bytes },
      );
      const reply = await fetch(gateway.url + path, { method: 'POST', headers: json, body: JSON.stringify(body) });
      const text = await reply.text();
      assert.equal(reply.status, 403);
      assert.match(text, /Consumer 'api_key:\[secret\]' has been suspended/);
      assert.doesNotMatch(text + JSON.stringify(gateway.logs), new RegExp(key));
    });
  }
}

for (const way of ['translated', 'carried'] as const) {
  test(`keeps the key out of a failure under status 200 that quotes it, ${way}`, async () => {
    await using upstream = await startUpstream();
    const provider = upstream.provider({ keys: [{ name: 'main', value: key }] });
    await using gateway = await startGateway({
      plugins: { 'routes/openai': {}, 'providers/gemini': provider, 'providers/openai': provider },
    });
    upstream.always({ json: suspended });
    const [path, body] = calls[way];
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await reply.text();
    assert.ok(reply.status >= 400, `${reply.status} ${text}`);
    assert.match(text, /Consumer 'api_key:\[secret\]' has been suspended/);
    assert.doesNotMatch(text + JSON.stringify(gateway.logs), new RegExp(key));
  });
}
