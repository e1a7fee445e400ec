import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { floats, type ProviderGateway, providerGateway } from './provider-gateway.ts';

const usage = { billed_units: { input_tokens: 1, output_tokens: 2 }, tokens: { input_tokens: 70, output_tokens: 2 } };
const answer = {
  id: 'c1',
  finish_reason: 'COMPLETE',
  message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
  usage,
};
const ask = { model: 'cohere/command-a-03-2025', messages: [{ role: 'user' as const, content: 'Hi' }] };
const streamed = [
  { type: 'message-start', id: 'c1', delta: { message: { role: 'assistant', content: [] } } },
  { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hel' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'lo' } } } },
  { type: 'content-end', index: 0 },
  { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage } },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

suite('cohere', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/cohere');
  });
  after(() => gateway?.close());

  test('sends a chat to /v2/chat with its own key', async () => {
    gateway.upstream.reply({ json: answer });
    const said = await gateway.client.chat.completions.create({ ...ask, top_p: 0.5, stop: 'END' });
    const { method, url, headers, json } = gateway.last();
    assert.equal(`${method} ${url}`, 'POST /v2/chat');
    assert.equal(headers['authorization'], 'Bearer sk-upstream');
    const body = json as Record<string, unknown>;
    assert.deepEqual([body['model'], body['p'], body['stop_sequences']], ['command-a-03-2025', 0.5, ['END']]);
    assert.equal(said.choices[0]!.message.content, 'Hello');
    assert.equal(said.usage!.prompt_tokens, 70);
  });

  test('streams chat and responses', async () => {
    gateway.upstream.reply({ events: streamed }, { events: streamed });
    assert.equal(await gateway.client.chat.completions.stream(ask).finalContent(), 'Hello');
    const response = await gateway.client.responses.stream({ model: ask.model, input: 'Hi' }).finalResponse();
    assert.equal(response.output_text, 'Hello');
  });

  test('embeds at most 96 texts a call, in order', async () => {
    let given = 0;
    gateway.upstream.always(({ json }) => {
      const vectors = (json as { texts: string[] }).texts.map(() => [given++, 0.5]);
      return { json: { id: 'e', embeddings: { float: vectors }, meta: { billed_units: { input_tokens: 5 } } } };
    });
    const input = Array.from({ length: 100 }, (_, i) => `text ${i}`);
    const { data, usage: used } = await gateway.client.embeddings.create({
      model: 'cohere/embed-v4.0',
      input,
      dimensions: 256,
    });
    assert.deepEqual([...data[99]!.embedding], floats(99, 0.5));
    assert.equal(data.length, 100);
    assert.equal(used.prompt_tokens, 10);
    const { texts, ...rest } = gateway.last().json as { texts: string[] };
    assert.deepEqual(texts, input.slice(96));
    assert.deepEqual(rest, {
      model: 'embed-v4.0',
      input_type: 'search_document',
      embedding_types: ['float'],
      output_dimension: 256,
    });
  });

  test('reranks', async () => {
    const results = [{ index: 1, relevance_score: 0.9 }];
    gateway.upstream.always({ json: { id: 'r', results, meta: { billed_units: { search_units: 1 } } } });
    const body = { model: 'cohere/rerank-v3.5', query: 'q', documents: ['a', 'b'], top_n: 1 };
    const ranked = (await gateway.client.post('/rerank', { body })) as { results: object[] };
    assert.deepEqual(ranked.results, results);
    assert.equal(gateway.last().url, '/v2/rerank');
    assert.deepEqual(gateway.last().json, { ...body, model: 'rerank-v3.5' });
  });

  test('lists the models of the provider', async () => {
    gateway.upstream.always({ json: { models: [{ name: 'command-a-03-2025', endpoints: ['chat'] }] } });
    const { data } = await gateway.client.models.list();
    assert.deepEqual(
      data.map(({ id }) => id),
      ['cohere/command-a-03-2025'],
    );
  });

  test("reports Cohere's bare message in OpenAI's shape", async () => {
    gateway.upstream.always({ status: 422, json: { id: 'x', message: 'unknown field' } });
    await assert.rejects(gateway.client.chat.completions.create(ask), (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.deepEqual([error.status, error.type], [422, 'invalid_request_error']);
      assert.match(error.message, /unknown field/);
      return true;
    });
  });
});
