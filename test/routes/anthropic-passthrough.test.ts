import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import Anthropic0 from 'anthropic-0';
import type { SeenRequest } from '../../plugin-sdk/testing/index.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-20250514',
  content: [{ type: 'text', text: 'hello back' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, cache_creation_input_tokens: 2, cache_read_input_tokens: 3, output_tokens: 4 },
};
const event = (data: { type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const streamed = [
  { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'back' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
].map(event);

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
});

after(() => gateway?.close());

const last = (): SeenRequest => gateway.upstreams.anthropic.requests.at(-1) as SeenRequest;
const ask = {
  model: 'claude-sonnet-4-20250514',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'hello from passthrough' }],
};

for (const [name, Client, version] of [
  ['@anthropic-ai/sdk 1.12', Anthropic, '2026-10-21'],
  ['@anthropic-ai/sdk 0.137', Anthropic0 as unknown as typeof Anthropic, '2023-06-01'],
] as const) {
  for (const base of ['/anthropic_passthrough', '/anthropic_passthrough/v1']) {
    const client = () => new Client({ baseURL: gateway.url + base, apiKey: 'dummy-key', maxRetries: 0 });

    test(`serves the sample of the documentation with ${name} at ${base}`, async () => {
      gateway.upstreams.anthropic.reply({ json: message, headers: { 'request-id': 'req_up' } });
      const ended = gateway.next();
      const { data, response } = await client().messages.create(ask).withResponse();
      assert.equal(data.content[0]?.type === 'text' && data.content[0].text, 'hello back');
      assert.equal(response.headers.get('request-id'), 'req_up');
      assert.equal(last().url, '/v1/messages');
      assert.equal(last().headers['x-api-key'], 'sk-upstream');
      assert.equal(last().headers.authorization, undefined);
      assert.equal(last().headers['anthropic-version'], version);
      assert.deepEqual(last().json, ask);
      const { outcome, exchange } = await ended;
      assert.equal(exchange.dialect.id, 'anthropic.messages');
      assert.deepEqual([outcome.usage?.input, outcome.usage?.cachedInput, outcome.usage?.output], [15, 3, 4]);
    });

    test(`streams with ${name} at ${base}`, async () => {
      gateway.upstreams.anthropic.reply({ events: streamed });
      const ended = gateway.next();
      const final = await client().messages.stream(ask).finalMessage();
      assert.equal(final.content[0]?.type === 'text' && final.content[0].text, 'hello back');
      const { outcome } = await ended;
      assert.deepEqual([outcome.usage?.input, outcome.usage?.output, outcome.finish], [15, 7, 'end_turn']);
    });
  }

  test(`leads ${name} back to the gateway for the results of a batch`, async () => {
    const { anthropic } = gateway.upstreams;
    const batch = (id: string) => ({
      id,
      type: 'message_batch',
      processing_status: 'ended',
      request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
      ended_at: '2026-01-01T00:00:00Z',
      created_at: '2026-01-01T00:00:00Z',
      expires_at: '2026-01-02T00:00:00Z',
      archived_at: null,
      cancel_initiated_at: null,
      results_url: `${anthropic.url}/v1/messages/batches/${id}/results`,
    });
    anthropic.always(({ url }) =>
      url.endsWith('/results')
        ? {
            body: `${JSON.stringify({ custom_id: 'a', result: { type: 'succeeded', message } })}\n`,
            headers: { 'content-type': 'application/x-jsonl' },
          }
        : { json: batch('msgbatch_1') },
    );
    const client = new Client({ baseURL: `${gateway.url}/anthropic_passthrough`, apiKey: 'dummy-key', maxRetries: 0 });
    const found = await client.messages.batches.retrieve('msgbatch_1');
    assert.equal(found.results_url, `${gateway.url}/anthropic_passthrough/v1/messages/batches/msgbatch_1/results`);
    assert.equal(last().headers['accept-encoding'], undefined);
    const ids: string[] = [];
    for await (const result of await client.messages.batches.results('msgbatch_1')) ids.push(result.custom_id);
    assert.deepEqual(ids, ['a']);
    assert.equal(last().url, '/v1/messages/batches/msgbatch_1/results');
    assert.equal(last().headers['x-api-key'], 'sk-upstream');
  });
}

test('rewrites nothing of a batch but its URLs, in lists too, and nothing at all when told so', async () => {
  const { anthropic } = gateway.upstreams;
  const text = (origin: string): string =>
    `{ "data":[ {"id":"b1","results_url" : "${origin}/v1/messages/batches/b1/results","n":1.0},\n {"id":"\\"results_url\\":","results_url":null}, {"results_url":"https://other.example/v1/x"} ] }`;
  const headers = { 'content-type': 'application/json' };
  anthropic.reply({ body: text(anthropic.url), headers });
  const reply = await rawCall(gateway, '/anthropic_passthrough/v1/messages/batches?limit=2');
  assert.equal(reply.body.toString(), text(`${gateway.url}/anthropic_passthrough`));
  await using plain = await passthroughGateway({ plugins: { 'routes/anthropic-passthrough': { rewriteUrls: false } } });
  plain.upstreams.anthropic.reply({ body: text(plain.upstreams.anthropic.url), headers });
  const same = await rawCall(plain, '/anthropic_passthrough/v1/messages/batches?limit=2');
  assert.equal(same.body.toString(), text(plain.upstreams.anthropic.url));
});

test("writes the gateway's own errors in the provider's format", async () => {
  const reply = await rawCall(gateway, '/anthropic_passthrough/v1/../admin');
  assert.equal(reply.status, 400);
  assert.equal(JSON.parse(reply.body.toString()).type, 'error');
});
