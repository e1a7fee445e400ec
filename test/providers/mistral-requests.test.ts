import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isObject } from '../../plugin-sdk/json.ts';
import { recordedProviders, recordings, recordingsMissing } from '../recordings.ts';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'mistral-requests.schema.json'), 'utf8')) as object;
const ajv = new Ajv2020({ strict: false }).addSchema(schema, 'mistral');

type Sent = Record<string, unknown> & { messages: Record<string, unknown>[]; tools: unknown[] };

const user = { role: 'user', content: 'Hi' };
const call = { id: 'abcdefgh1', type: 'function', function: { name: 'f', arguments: '{}' } };
const result = { role: 'tool', tool_call_id: 'abcdefgh1', content: 'ok' };
const nothing = { type: 'object', properties: {} };
const model = 'mistral/mistral-small-latest';

suite('what mistral is sent', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/mistral');
    gateway.upstream.always({
      json: {
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      },
    });
  });
  after(() => gateway?.close());

  async function post(path: string, body: object, kind: string): Promise<{ sent: Sent; lost: string[] }> {
    const reply = await fetch(`${gateway.url}/openai/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, ...body }),
    });
    assert.equal(reply.status, 200, await reply.text());
    const sent = gateway.last().json as Sent;
    const isAllowed = ajv.validate(`mistral#/$defs/${kind}`, sent);
    assert.ok(isAllowed, `${ajv.errorsText()}\n${JSON.stringify(sent, null, 1)}`);
    return { sent, lost: reply.headers.get('x-bf-lossy')?.split(', ') ?? [] };
  }

  /** What Mistral sees of a chat request, which its own description allows, and what is reported as lost. */
  const chat = (body: object) => post('/chat/completions', { messages: [user], ...body }, 'ChatCompletionRequest');

  test('is an earlier answer of OpenAI without the fields that say nothing, and nothing is lost by it', async () => {
    const answered = { role: 'assistant', content: 'So.', refusal: null, annotations: [], audio: null };
    const called = { role: 'assistant', content: null, refusal: null, function_call: null, tool_calls: [call] };
    const { sent, lost } = await chat({ messages: [user, answered, user, called, result, user] });
    assert.deepEqual(sent.messages, [
      user,
      { role: 'assistant', content: 'So.' },
      user,
      { role: 'assistant', content: null, tool_calls: [call] },
      result,
      user,
    ]);
    assert.deepEqual(lost, []);
  });

  test('names what a message loses, and keeps the name of a tool', async () => {
    const cited = { type: 'url_citation', url_citation: { url: 'https://a.example' } };
    const { sent, lost } = await chat({
      messages: [
        { ...user, name: 'ann' },
        { role: 'assistant', content: 'So.', annotations: [cited], audio: { id: 'audio_1' }, tool_calls: [call] },
        { ...result, name: 'f' },
      ],
    });
    assert.deepEqual(sent.messages, [
      user,
      { role: 'assistant', content: 'So.', tool_calls: [call] },
      { ...result, name: 'f' },
    ]);
    assert.deepEqual(lost, ['messages[0].name', 'messages[1].annotations', 'messages[1].audio']);
  });

  test('is the text of a refusal, beside the content or among its parts', async () => {
    const { sent, lost } = await chat({
      messages: [
        user,
        { role: 'assistant', content: null, refusal: 'I cannot.' },
        user,
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        user,
        { role: 'assistant', content: 'Well.', refusal: 'I cannot.' },
        user,
      ],
    });
    const said = sent.messages.filter(({ role }) => role === 'assistant').map(({ content }) => content);
    assert.deepEqual(said, [
      'I cannot.',
      [{ type: 'text', text: 'No.' }],
      [
        { type: 'text', text: 'Well.' },
        { type: 'text', text: 'I cannot.' },
      ],
    ]);
    assert.deepEqual(lost, []);
  });

  test('is a tool call with its result where the history has functions of old', async () => {
    const old = { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } };
    const { sent, lost } = await chat({
      messages: [
        user,
        old,
        { role: 'function', name: 'f', content: 'ok' },
        old,
        { role: 'function', name: 'f', content: 'no' },
      ],
    });
    const [, called, answered, again, last] = sent.messages as { tool_calls: { id: string }[]; tool_call_id: string }[];
    assert.deepEqual(called, {
      role: 'assistant',
      content: null,
      tool_calls: [{ ...call, id: called!.tool_calls[0]!.id }],
    });
    assert.deepEqual(answered, {
      role: 'tool',
      name: 'f',
      content: 'ok',
      tool_call_id: called!.tool_calls[0]!.id,
    });
    assert.equal(last!.tool_call_id, again!.tool_calls[0]!.id);
    assert.notEqual(last!.tool_call_id, answered!.tool_call_id);
    assert.match(last!.tool_call_id, /^[a-zA-Z0-9]{9}$/);
    assert.deepEqual(lost, []);
  });

  test('is parts of the kinds and with the fields that it has', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'original' } };
    const mark = { cache_control: { type: 'ephemeral' } };
    const { sent, lost } = await chat({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be brief.', ...mark }, image] },
        {
          role: 'user',
          content: [
            'Look.',
            { type: 'text', text: 'Hi', ...mark, prompt_cache_breakpoint: null },
            image,
            { type: 'video_url', video_url: { url: 'https://a.example/v.mp4' } },
            { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' }, ...mark },
          ],
        },
        { role: 'user', content: [{ type: 'video_url', video_url: { url: 'https://a.example/v.mp4' } }] },
      ],
    });
    assert.deepEqual(sent.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look.' },
          { type: 'text', text: 'Hi' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
          { type: 'input_audio', input_audio: 'AA==' },
        ],
      },
      { role: 'user', content: '' },
    ]);
    assert.deepEqual(lost, [
      'messages[0].content[0].cache_control',
      'messages[0].content[1]',
      'messages[1].content[1].cache_control',
      'messages[1].content[2].image_url.detail',
      'messages[1].content[3]',
      'messages[1].content[4].cache_control',
      'messages[2].content[0]',
    ]);
  });

  test('is calls without the proofs of others, and calls of free-text tools as calls of functions', async () => {
    const proof = { extra_content: { google: { thought_signature: 'abc' } } };
    const free = { id: 'abcdefgh2', type: 'custom', custom: { name: 'g', input: 'a "b"' } };
    const { sent, lost } = await chat({
      messages: [user, { role: 'assistant', content: null, tool_calls: [{ ...call, ...proof }, free] }, result],
    });
    assert.deepEqual(sent.messages[1]!['tool_calls'], [
      call,
      { id: 'abcdefgh2', type: 'function', function: { name: 'g', arguments: '{"input":"a \\"b\\""}' } },
    ]);
    assert.deepEqual(lost, []);
  });

  test('is tools with parameters and without what is no function', async () => {
    const { sent, lost } = await chat({
      tools: [
        {
          type: 'function',
          function: { name: 'f', strict: null, description: null },
          cache_control: { type: 'ephemeral' },
        },
        { type: 'web_search' },
        { function: { name: 'g', parameters: nothing, strict: true, returns: {} } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
    });
    assert.deepEqual(sent.tools, [
      { type: 'function', function: { name: 'f', parameters: nothing } },
      { function: { name: 'g', parameters: nothing, strict: true } },
    ]);
    assert.deepEqual(sent['tool_choice'], { type: 'function', function: { name: 'f' } });
    assert.equal(sent['parallel_tool_calls'], false);
    assert.deepEqual(lost, ['tools[0].cache_control', 'tools[1]']);
  });

  test('is no empty list of tools, and no choice among none', async () => {
    for (const tools of [[], [{ type: 'web_search' }]]) {
      const { sent, lost } = await chat({ tools, tool_choice: 'auto' });
      assert.ok(!('tools' in sent) && !('tool_choice' in sent));
      assert.deepEqual(lost, tools.length === 0 ? [] : ['tools[0]']);
    }
    const named = { type: 'function', function: { name: 'f' } };
    const { sent, lost } = await chat({ tools: [], tool_choice: named });
    assert.ok(!('tool_choice' in sent));
    assert.deepEqual(lost, ['tool_choice']);
  });

  test('is none of the fields that it does not have, each of them named', async () => {
    const { sent, lost } = await chat({
      moderation: { model: 'omni-moderation-latest' },
      prompt_cache_options: { mode: 'explicit' },
      top_k: 5,
      min_p: 0.1,
      service_tier: 'flex',
      store: false,
      logprobs: null,
      temperature: null,
      stream: null,
    });
    assert.deepEqual(sent, { model: 'mistral-small-latest', messages: [user] });
    assert.deepEqual(lost, ['moderation', 'prompt_cache_options', 'top_k', 'min_p', 'service_tier']);
  });

  test('is every field of its own that the client set', async () => {
    const own = {
      safe_prompt: true,
      prompt_mode: 'reasoning',
      random_seed: 3,
      prediction: { type: 'content', content: 'So.' },
      parallel_tool_calls: true,
      guardrails: [{ block_on_error: true }],
      prompt_cache_key: 'k',
      metadata: { a: 'b' },
      n: 2,
      stop: ['\n'],
      top_p: 0.5,
      temperature: 0.2,
      max_tokens: 9,
      frequency_penalty: 0.1,
      presence_penalty: 0.1,
      reasoning_effort: 'high',
      response_format: { type: 'json_object' },
    };
    const { sent, lost } = await chat(own);
    assert.deepEqual(sent, { model: 'mistral-small-latest', messages: [user], ...own });
    assert.deepEqual(lost, []);
  });

  test('is an output format and a prediction in its own form', async () => {
    const json_schema = { name: 'a', schema: nothing, strict: null };
    const parts = ['So', '.'].map((text) => ({ type: 'text', text }));
    const { sent, lost } = await chat({
      response_format: { type: 'json_schema', json_schema },
      prediction: { type: 'content', content: parts },
    });
    assert.deepEqual(sent['response_format'], { type: 'json_schema', json_schema: { name: 'a', schema: nothing } });
    assert.deepEqual(sent['prediction'], { type: 'content', content: 'So.' });
    assert.deepEqual(lost, []);
  });

  test('is the nearest of the two efforts that it has', async () => {
    const efforts: Record<string, string> = {
      none: 'none',
      minimal: 'none',
      low: 'high',
      medium: 'high',
      xhigh: 'high',
      max: 'high',
    };
    for (const [asked, known] of Object.entries(efforts)) {
      const { sent, lost } = await chat({ reasoning_effort: asked });
      assert.deepEqual([sent['reasoning_effort'], lost], [known, []], asked);
    }
    const { sent, lost } = await chat({ reasoning_effort: 'frantic' });
    assert.deepEqual([sent['reasoning_effort'], lost], [undefined, ['reasoning_effort']]);
  });

  test('keeps to what it allows also when translated from responses', async () => {
    const { sent } = await post(
      '/responses',
      {
        input: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
          { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'ok' },
        ],
        tools: [{ type: 'function', name: 'f', parameters: null, strict: null }],
        reasoning: { effort: 'medium' },
        safety_identifier: 'ann',
        prompt_cache_key: 'k',
        store: false,
      },
      'ChatCompletionRequest',
    );
    assert.deepEqual([sent['reasoning_effort'], sent['prompt_cache_key']], ['high', 'k']);
  });

  test('is the size of a vector under its own name, and no user', async () => {
    gateway.upstream.reply({ json: { object: 'list', data: [], model: 'm' } });
    const body = { input: 'Hi', dimensions: 256, user: 'ann', encoding_format: 'float', output_dtype: 'int8' };
    const { sent, lost } = await post('/embeddings', body, 'EmbeddingRequest');
    const { dimensions: output_dimension, user: _, ...rest } = body;
    assert.deepEqual(sent, { model: 'mistral-small-latest', ...rest, output_dimension } as unknown as Sent);
    assert.deepEqual(lost, ['user']);
  });

  test('is allowed, whatever chat request was recorded with another provider', {
    skip: recordingsMissing,
  }, async (t) => {
    let count = 0;
    for (const provider of recordedProviders()) {
      for (const { interactions } of recordings(provider)) {
        for (const { request } of interactions) {
          if (!/\/chat\/completions/.test(request.url) || !isObject(request.body)) continue;
          await chat({ ...request.body, model, stream: false });
          count += 1;
        }
      }
    }
    t.diagnostic(`${count} requests`);
    assert.ok(count > 0);
  });

  test('is what the client wrote, byte for byte, where all of it is allowed', async () => {
    const body = '{ "messages" : [{"role":"user","content":"H\\u0069"}],\n "model":"mistral/m", "top_p":1e0 }';
    await fetch(`${gateway.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    assert.equal(gateway.last().body.toString(), body.replace('mistral/m', 'm'));
  });
});
