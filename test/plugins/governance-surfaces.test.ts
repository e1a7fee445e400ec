import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Script, startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { quota } from './governed-gateway.ts';

const key = 'sk-bf-every-surface-0123456789';

interface Surface {
  readonly name: string;
  readonly path: string;
  readonly body: object | FormData;
  readonly reply: Script;
  /** USD. */
  readonly cost: number;
}

const usage = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };
const responsesUsage = { input_tokens: 100, output_tokens: 50, total_tokens: 150 };
const response = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'priced',
  output: [],
  usage: responsesUsage,
};
const sse = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

function form(): FormData {
  const fields = new FormData();
  fields.set('model', 'pictures');
  fields.set('n', '2');
  fields.set('prompt', 'a cat');
  fields.set('image', new Blob([Buffer.alloc(2_000)], { type: 'image/png' }), 'a.png');
  return fields;
}

const surfaces: readonly Surface[] = [
  {
    name: 'responses',
    path: 'responses',
    body: { model: 'priced', input: 'hi', max_output_tokens: 100 },
    reply: { json: response },
    cost: 0.0006,
  },
  {
    name: 'streamed responses',
    path: 'responses',
    body: { model: 'priced', input: 'hi', max_output_tokens: 100, stream: true },
    reply: {
      events: [
        sse('response.created', { response: { ...response, status: 'in_progress', usage: null } }),
        sse('response.output_text.delta', { item_id: 'm', output_index: 0, content_index: 0, delta: 'hi' }),
        sse('response.completed', { response }),
      ],
    },
    cost: 0.0006,
  },
  {
    name: 'completions',
    path: 'completions',
    body: { model: 'priced', prompt: 'hi', max_tokens: 100 },
    reply: {
      json: { id: 'c', object: 'text_completion', choices: [{ index: 0, text: 'hi', finish_reason: 'stop' }], usage },
    },
    cost: 0.0006,
  },
  {
    name: 'embeddings',
    path: 'embeddings',
    body: { model: 'priced', input: 'hi '.repeat(100) },
    reply: {
      json: {
        object: 'list',
        data: [{ object: 'embedding', index: 0, embedding: [0.1] }],
        usage: { prompt_tokens: 100, total_tokens: 100 },
      },
    },
    cost: 0.0001,
  },
  {
    name: 'images',
    path: 'images/generations',
    body: { model: 'pictures', prompt: 'a cat', n: 3 },
    reply: { json: { created: 1, data: [{ url: 'a' }, { url: 'b' }, { url: 'c' }] } },
    cost: 0.12,
  },
  {
    name: 'edited images',
    path: 'images/edits',
    body: form(),
    reply: { json: { created: 1, data: [{ url: 'a' }, { url: 'b' }] } },
    cost: 0.08,
  },
  {
    name: 'speech',
    path: 'audio/speech',
    body: { model: 'voices', input: 'x'.repeat(1_000), voice: 'v' },
    reply: { body: Buffer.alloc(500), headers: { 'content-type': 'audio/mpeg' } },
    cost: 0.015,
  },
];

for (const { name, path, body, reply, cost } of surfaces) {
  test(`reserves and charges ${name}`, { timeout: 20_000 }, async () => {
    await using upstream = await startUpstream();
    let reserved = 0;
    await using gateway = await startGateway({
      plugins: {
        'routes/openai': {},
        'providers/openai': upstream.provider(),
        'plugins/pricing': {
          book: false,
          overrides: [
            { model: 'priced', input: 1, output: 10 },
            { model: 'pictures', perImage: 0.04 },
            { model: 'voices', perCharacter: 0.000015 },
          ],
        },
        'plugins/governance': {
          required: true,
          virtualKeys: [{ id: 'k', value: key, budgets: [{ limit: 1, period: '1d' }] }],
        },
      } as never,
    });
    upstream.always(async () => {
      reserved = (await quota(gateway, key)).accounts[0]!.reserved;
      return reply;
    });
    const isForm = body instanceof FormData;
    const answer = await fetch(`${gateway.url}/openai/v1/${path}`, {
      method: 'POST',
      headers: { 'x-bf-vk': key, ...(isForm ? {} : { 'content-type': 'application/json' }) },
      body: isForm ? body : JSON.stringify(body),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    await answer.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [account] = (await quota(gateway, key)).accounts;
    assert.equal(account!.used, cost);
    assert.equal(account!.reserved, 0);
    assert.ok(reserved >= cost, `${reserved} was reserved`);
  });
}
