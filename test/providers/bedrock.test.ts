import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { writeAwsEvent } from '../../plugin-sdk/dialects/write-aws-event.ts';
import type { SeenRequest } from '../../plugin-sdk/testing/index.ts';
import { floats, type ProviderGateway, providerGateway } from './provider-gateway.ts';

const usage = { inputTokens: 5, outputTokens: 2, totalTokens: 10, cacheReadInputTokens: 3 };
const answer = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  usage,
  metrics: { latencyMs: 1 },
};
const model = 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const ask = { model, messages: [{ role: 'user' as const, content: 'Hi' }] };
const frames = [
  writeAwsEvent('messageStart', JSON.stringify({ role: 'assistant', p: 'abc' })),
  writeAwsEvent('contentBlockDelta', JSON.stringify({ contentBlockIndex: 0, delta: { text: 'Hel' }, p: 'a' })),
  writeAwsEvent('contentBlockDelta', JSON.stringify({ contentBlockIndex: 0, delta: { text: 'lo' } })),
  writeAwsEvent('contentBlockStop', JSON.stringify({ contentBlockIndex: 0 })),
  writeAwsEvent('messageStop', JSON.stringify({ stopReason: 'end_turn' })),
  writeAwsEvent('metadata', JSON.stringify({ usage, metrics: { latencyMs: 1 } })),
];
const stream = { headers: { 'content-type': 'application/vnd.amazon.eventstream' } };
const keys = (more: Record<string, unknown>) => ({ keys: [{ name: 'main', ...more }] });
const statics = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret/key', region: 'eu-west-1' };

suite('bedrock', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/bedrock', ({ url }) => ({ baseUrl: url, ...keys(statics) }));
  });
  after(() => gateway?.close());

  test('sends a chat to Converse with the model as one encoded segment, signed over its twice encoded path', async () => {
    gateway.upstream.reply({ json: answer });
    const said = await gateway.client.chat.completions.create({ ...ask, max_tokens: 100 });
    const seen = gateway.last();
    assert.equal(seen.url, '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse');
    assert.equal(seen.headers['authorization'], signatureOf(seen, 'eu-west-1', 'secret/key'));
    assert.match(
      String(seen.headers['authorization']),
      /SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,/,
    );
    assert.deepEqual((seen.json as { inferenceConfig: object }).inferenceConfig, { maxTokens: 100 });
    assert.equal(said.choices[0]!.message.content, 'Hello');
    assert.deepEqual([said.usage!.prompt_tokens, said.usage!.prompt_tokens_details!.cached_tokens], [8, 3]);
  });

  test('signs the path of an inference profile, which has slashes of its own', async () => {
    gateway.upstream.reply({ json: answer });
    const profile = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc';
    await gateway.client.chat.completions.create({ ...ask, model: `bedrock/${profile}` });
    const seen = gateway.last();
    assert.equal(seen.url, `/model/${encodeURIComponent(profile)}/converse`);
    assert.equal(seen.headers['authorization'], signatureOf(seen, 'eu-west-1', 'secret/key'));
  });

  test('streams AWS events to chat and responses clients', async () => {
    gateway.upstream.reply({ ...stream, chunks: frames }, { ...stream, chunks: [Buffer.concat(frames)] });
    const chat = gateway.client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    assert.equal(await chat.finalContent(), 'Hello');
    assert.match(gateway.last().url, /\/converse-stream$/);
    const response = await gateway.client.responses.stream({ model, input: 'Hi' }).finalResponse();
    assert.equal(response.output_text, 'Hello');
    assert.equal(response.usage!.total_tokens, 10);
  });

  test('leaves out a call that was made although the client chose none, from answers and streams', async () => {
    const use = { toolUseId: 't1', name: 'weather' };
    const content = [{ text: 'Sunny.' }, { toolUse: { ...use, input: {} } }];
    const called = { ...answer, output: { message: { role: 'assistant', content } }, stopReason: 'tool_use' };
    const calling = [
      ...frames.slice(0, 4),
      writeAwsEvent('contentBlockStart', JSON.stringify({ contentBlockIndex: 1, start: { toolUse: use } })),
      writeAwsEvent('contentBlockDelta', JSON.stringify({ contentBlockIndex: 1, delta: { toolUse: { input: '{}' } } })),
      writeAwsEvent('contentBlockStop', JSON.stringify({ contentBlockIndex: 1 })),
      writeAwsEvent('messageStop', JSON.stringify({ stopReason: 'tool_use' })),
      frames[5]!,
    ];
    gateway.upstream.reply({ json: called }, { ...stream, chunks: calling }, { json: called });
    const tools: OpenAI.ChatCompletionTool[] = [
      { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
    ];
    const settings = { ...ask, tools, tool_choice: 'none' as const };
    const whole = (await gateway.client.chat.completions.create(settings)).choices[0]!;
    assert.deepEqual(
      [whole.message.content, whole.message.tool_calls, whole.finish_reason],
      ['Sunny.', undefined, 'stop'],
    );
    const streamed = (await gateway.client.chat.completions.stream(settings).finalChatCompletion()).choices[0]!;
    assert.deepEqual(
      [streamed.message.content, streamed.message.tool_calls, streamed.finish_reason],
      ['Hello', undefined, 'stop'],
    );
    const free = (await gateway.client.chat.completions.create({ ...settings, tool_choice: 'auto' })).choices[0]!;
    assert.equal(free.finish_reason, 'tool_calls');
  });

  test('gives Claude its signed thinking back in a plain OpenAI tool loop', async () => {
    const reasoning = { reasoningContent: { reasoningText: { text: 'Weather.', signature: 'c2ln' } } };
    const use = { toolUse: { toolUseId: 't1', name: 'weather', input: { city: 'Paris' } } };
    const first = {
      ...answer,
      output: { message: { role: 'assistant', content: [reasoning, use] } },
      stopReason: 'tool_use',
    };
    gateway.upstream.reply({ json: first }, { json: answer });
    const tools: OpenAI.ChatCompletionTool[] = [
      { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
    ];
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Weather?' }];
    const settings = { model, tools, reasoning_effort: 'low' as const };
    const { message } = (await gateway.client.chat.completions.create({ ...settings, messages })).choices[0]!;
    messages.push(message, { role: 'tool', tool_call_id: message.tool_calls![0]!.id, content: 'sunny' });
    await gateway.client.chat.completions.create({ ...settings, messages });
    const sent = (gateway.last().json as { messages: { content: object[] }[] }).messages;
    assert.deepEqual(sent[1]!.content, [reasoning, use]);
  });

  test('embeds with Titan one text a call, and with Cohere all at once', async () => {
    gateway.upstream.always({ json: { embedding: [0.5, 1], inputTextTokenCount: 2 } });
    const titan = await gateway.client.embeddings.create({
      model: 'bedrock/amazon.titan-embed-text-v2:0',
      input: ['a', 'b'],
      dimensions: 256,
    });
    assert.deepEqual(
      titan.data.map(({ embedding }) => [...embedding]),
      [floats(0.5, 1), floats(0.5, 1)],
    );
    assert.equal(titan.usage.prompt_tokens, 4);
    assert.equal(gateway.last().url, '/model/amazon.titan-embed-text-v2%3A0/invoke');
    assert.deepEqual(gateway.last().json, { inputText: 'b', dimensions: 256 });
    gateway.upstream.always({
      headers: { 'x-amzn-bedrock-input-token-count': '9' },
      json: { embeddings: { float: [[1], [2]] }, response_type: 'embeddings_by_type' },
    });
    const cohere = await gateway.client.embeddings.create({ model: 'bedrock/cohere.embed-v4:0', input: ['a', 'b'] });
    assert.deepEqual([...cohere.data[1]!.embedding], [2]);
    assert.equal(cohere.usage.prompt_tokens, 9);
    assert.deepEqual(gateway.last().json, { texts: ['a', 'b'], input_type: 'search_document' });
  });

  test('lists foundation models, signed too', async () => {
    gateway.upstream.always({
      json: { modelSummaries: [{ modelId: 'amazon.nova-pro-v1:0', providerName: 'Amazon' }] },
    });
    const { data } = await gateway.client.models.list();
    assert.deepEqual(data, [{ id: 'bedrock/amazon.nova-pro-v1:0', object: 'model', created: 0, owned_by: 'amazon' }]);
    assert.equal(gateway.last().headers['authorization'], signatureOf(gateway.last(), 'eu-west-1', 'secret/key'));
  });
});

test('ends a stream with an error event when an exception frame comes after content', async () => {
  await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({ baseUrl: url, ...keys(statics) }));
  const exception = writeAwsEvent('throttlingException', JSON.stringify({ message: 'Slow down.' }), 'exception');
  gateway.upstream.reply({ ...stream, chunks: [frames[0]!, frames[1]!, exception] });
  const chunks = await gateway.client.chat.completions.create({ ...ask, stream: true });
  await assert.rejects(async () => {
    for await (const _ of chunks);
  }, /Slow down/);
});

for (const [type, status, expected, word] of [
  ['ValidationException', 400, 400, 'invalid_request_error'],
  ['AccessDeniedException', 403, 403, 'permission_error'],
  ['ThrottlingException', 429, 429, 'rate_limit_error'],
  ['ModelErrorException', 424, 502, 'server_error'],
] as const) {
  test(`reports a ${type} in OpenAI's shape`, async () => {
    await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({ baseUrl: url, ...keys(statics) }));
    gateway.upstream.always({ status, headers: { 'x-amzn-errortype': `${type}:http://x/` }, json: { message: 'No.' } });
    await assert.rejects(gateway.client.chat.completions.create(ask), (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.deepEqual([error.status, error.type], [expected, word]);
      return true;
    });
  });
}

test('sends a Bedrock API key as bearer and signs nothing', async () => {
  await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({
    baseUrl: url,
    ...keys({ value: 'bedrock-key' }),
  }));
  gateway.upstream.always({ json: answer });
  await gateway.client.chat.completions.create(ask);
  assert.equal(gateway.last().headers['authorization'], 'Bearer bedrock-key');
  assert.equal(gateway.last().headers['x-amz-date'], undefined);
});

test('finds credentials and region in a profile of the shared files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aws-'));
  writeFileSync(
    join(folder, 'credentials'),
    '[default]\naws_access_key_id = OTHER\n\n[work]\naws_access_key_id = AKIAFILE\naws_secret_access_key = from-file\naws_session_token = session\n',
  );
  writeFileSync(join(folder, 'config'), '[profile work]\nregion = ap-south-1\n');
  setEnvironment(t, {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
  });
  await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({
    baseUrl: url,
    ...keys({ profile: 'work' }),
  }));
  gateway.upstream.always({ json: answer });
  await gateway.client.chat.completions.create(ask);
  assert.equal(gateway.last().headers['authorization'], signatureOf(gateway.last(), 'ap-south-1', 'from-file'));
  assert.equal(gateway.last().headers['x-amz-security-token'], 'session');
});

test("takes a container's role, and asks for it again when AWS calls its token expired", async (t) => {
  await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({ baseUrl: url, ...keys({}) }));
  setEnvironment(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${gateway.upstream.url}/role`, AWS_REGION: 'us-west-2' });
  let roles = 0;
  const ids: string[] = [];
  gateway.upstream.always(({ url, headers }) => {
    if (url === '/role') {
      const Expiration = new Date(Date.now() + 3_600_000).toISOString();
      return { json: { AccessKeyId: `AKIA${++roles}`, SecretAccessKey: 's', Token: 't', Expiration } };
    }
    ids.push(/Credential=(\w+)/.exec(String(headers['authorization']))![1]!);
    const expired = {
      status: 403,
      headers: { 'x-amzn-errortype': 'ExpiredTokenException' },
      json: { message: 'The security token is expired.' },
    };
    return ids.length === 2 ? expired : { json: answer };
  });
  for (let i = 0; i < 2; i++) await gateway.client.chat.completions.create(ask);
  assert.deepEqual(ids, ['AKIA1', 'AKIA1', 'AKIA2']);
});

test('says where it looked when there are no credentials', async (t) => {
  setEnvironment(t, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    AWS_CONFIG_FILE: '/nowhere',
  });
  await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({ baseUrl: url, ...keys({}) }));
  await assert.rejects(
    gateway.client.chat.completions.create(ask),
    /credentials of bedrock could not be used: there are none in the key/,
  );
});

/** Sets environment variables for one test. */
function setEnvironment(t: { after(fn: () => void): void }, values: Record<string, string>): void {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, values);
  t.after(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    for (const [name, value] of Object.entries(before)) if (name.startsWith('AWS_')) process.env[name] = value;
  });
}

/** The authorization header that AWS would compute for a request (Signature Version 4), from its documentation. */
function signatureOf({ method, url, headers, body }: SeenRequest, region: string, secret: string): string {
  const given = /Credential=(\w+)\/(\d{8})\/[^,]*, SignedHeaders=([^,]*),/.exec(String(headers['authorization']));
  const [, id, day, names] = given!;
  const path = url
    .split('?')[0]!
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/');
  const lines = names!.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
  const canonical = [method, path, '', lines.join(''), names, hash(body)].join('\n');
  const scope = `${day}/${region}/bedrock/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const sign = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const key = [day!, region, 'bedrock', 'aws4_request'].reduce<Buffer | string>(sign, `AWS4${secret}`);
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${sign(key, text).toString('hex')}`;
}
