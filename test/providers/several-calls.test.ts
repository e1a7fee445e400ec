import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const message = (text: string) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, output_tokens: 2 },
});
const model = 'anthropic/claude-sonnet-4-5';
const messages = [{ role: 'user' as const, content: 'Hi' }];

test('answers n choices with n calls, numbered through, their usage added up', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.reply({ json: message('one') }, { json: message('two') }, { json: message('three') });
  const { choices, usage } = await gateway.client.chat.completions.create({ model, messages, n: 3 });
  assert.deepEqual(
    choices.map(({ index }) => index),
    [0, 1, 2],
  );
  assert.deepEqual(choices.map((choice) => choice.message.content).sort(), ['one', 'three', 'two']);
  assert.deepEqual([usage!.prompt_tokens, usage!.completion_tokens, usage!.total_tokens], [9, 6, 15]);
  assert.equal(gateway.upstream.requests.length, 3);
});

test('answers with the failure when one of n calls fails', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const error = { type: 'overloaded_error', message: 'Overloaded.' };
  gateway.upstream.reply({ json: message('one') }, { status: 529, json: { type: 'error', error } });
  await assert.rejects(gateway.client.chat.completions.create({ model, messages, n: 2 }), /529 Overloaded/);
});

test('refuses to stream n choices, naming the field', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const asked = gateway.client.chat.completions.create({ model, messages, n: 2, stream: true });
  await assert.rejects(
    asked,
    (error: InstanceType<typeof OpenAI.APIError>) => error.status === 400 && error.param === 'n',
  );
});

test('continues a stored response at a provider that keeps none', async () => {
  await using gateway = await providerGateway('providers/anthropic', undefined, {
    plugins: { 'plugins/store-lmdb': {}, 'plugins/records': { content: { default: true } } },
  });
  gateway.upstream.always({ json: message('Paris.') });
  const first = await gateway.client.responses.create({
    model,
    input: 'Capital of France?',
    instructions: 'Be brief.',
  });
  const second = await continued(gateway, { model, input: 'And of Spain?', previous_response_id: first.id });
  const third = await continued(gateway, {
    model,
    input: 'And of Italy?',
    previous_response_id: second.id,
    instructions: 'Be long.',
  });
  assert.equal(third.output_text, 'Paris.');
  assert.equal(third.previous_response_id, second.id);
  const sent = gateway.last().json as {
    system: { text: string }[];
    messages: { role: string; content: { text: string }[] }[];
  };
  assert.deepEqual(
    sent.system.map(({ text }) => text),
    ['Be long.'],
  );
  assert.deepEqual(
    sent.messages.map(({ role, content }) => `${role}: ${content[0]!.text}`),
    [
      'user: Capital of France?',
      'assistant: Paris.',
      'user: And of Spain?',
      'assistant: Paris.',
      'user: And of Italy?',
    ],
  );
});

test('says that a previous response is not there', async () => {
  await using gateway = await providerGateway('providers/gemini');
  const asked = gateway.client.responses.create({
    model: 'gemini/gemini-3-flash',
    input: 'Hi',
    previous_response_id: 'resp_1',
  });
  await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => {
    assert.deepEqual(
      [error.status, error.param, error.code],
      [400, 'previous_response_id', 'previous_response_not_found'],
    );
    return true;
  });
  assert.equal(gateway.upstream.requests.length, 0);
});

/** Asks again until the record, which is written after the reply, has arrived in the store. */
async function continued(
  gateway: ProviderGateway,
  body: OpenAI.Responses.ResponseCreateParamsNonStreaming,
): Promise<OpenAI.Responses.Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await gateway.client.responses.create(body);
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
