import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { type Script, startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

const page = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';
const shapes: Record<string, [Script, string]> = {
  'a web page': [
    { status: 502, headers: { 'content-type': 'text/html' }, body: page },
    'The provider answered 502 with a web page: 502 Bad Gateway',
  ],
  'an empty body': [{ status: 500 }, 'The provider answered 500 without a body.'],
  'words of a gateway before the provider': [
    { status: 401, json: { statusCode: 401, message: 'Access denied due to missing subscription key.' } },
    'Access denied due to missing subscription key.',
  ],
};

for (const provider of ['openai', 'azure', 'mistral']) {
  for (const [name, [script, message]] of Object.entries(shapes)) {
    test(`tells a failure of ${provider} that is ${name} in the shape of OpenAI`, async () => {
      await using upstream = await startUpstream();
      await using gateway = await startGateway({
        plugins: {
          'routes/openai': {},
          [`providers/${provider}`]: upstream.provider({
            keys: [{ name: 'main', value: 'sk-upstream', ...(provider === 'azure' ? { endpoint: upstream.url } : {}) }],
          }),
        },
      });
      upstream.always(script);
      const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-client', maxRetries: 0 });
      const asked = client.chat.completions.create({
        model: `${provider}/m`,
        messages: [{ role: 'user', content: 'Hi' }],
      });
      await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => {
        assert.equal(error.status, script.status);
        assert.equal(error.message, `${script.status} ${message}`);
        assert.deepEqual(Object.keys(error.error as object).sort(), ['code', 'message', 'param', 'type']);
        return true;
      });
    });
  }
}

for (const [provider, error] of [
  ['anthropic', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded.' } }],
  ['gemini', { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } }],
] as const) {
  for (const stream of [false, true]) {
    test(`tells the failure that ${provider} hides under status 200${stream ? ' of a stream' : ''}`, async () => {
      await using upstream = await startUpstream();
      await using gateway = await startGateway({
        plugins: { 'routes/openai': {}, [`providers/${provider}`]: upstream.provider() },
      });
      upstream.always({ json: error });
      const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-client', maxRetries: 0 });
      const messages = [{ role: 'user' as const, content: 'Hi' }];
      await assert.rejects(client.chat.completions.create({ model: `${provider}/m`, messages, stream }), {
        status: provider === 'anthropic' ? 529 : 503,
        message: /Overloaded\.$/,
      });
    });
  }
}
