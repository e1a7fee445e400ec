import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PluginInstance, StreamTransform } from '../../plugin-sdk/index.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { ask, chatGateway, plugin, streamed } from './chat-gateway.ts';

/** Plugins that hold text back: it reaches the client in every format when its block ends, and is never lost in silence. */

const transforming = (stream: () => StreamTransform): PluginInstance => ({
  hooks: { transformResponse: { json: () => undefined, stream } },
});

const untilBlockEnd = (): StreamTransform => {
  let held = '';
  return {
    event(event, emit) {
      if (event.type === 'text') {
        held += event.text;
        return;
      }
      if (event.type === 'block-end') {
        emit({ type: 'text', choice: event.choice, block: event.block, text: `<${held}>` });
        held = '';
      }
      emit(event);
    },
  };
};

const sse = (events: readonly { type: string }[]): string[] =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

const claude = sse([
  {
    type: 'message_start',
    message: { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], usage: {} },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'you' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
] as never);

const gemini = ['Hi ', 'you'].map((text, i) => {
  const candidate = {
    index: 0,
    content: { role: 'model', parts: [{ text }] },
    ...(i > 0 ? { finishReason: 'STOP' } : {}),
  };
  return `data: ${JSON.stringify({ candidates: [candidate], modelVersion: 'g' })}\n\n`;
});

const item = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant' };
const part = { type: 'output_text', annotations: [], text: 'Hi you' };
const response = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'o',
  output: [{ ...item, content: [part] }],
};
const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
const responses = sse([
  { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
  { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
  { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
  { type: 'response.output_text.delta', ...at, delta: 'Hi ' },
  { type: 'response.output_text.delta', ...at, delta: 'you' },
  { type: 'response.output_text.done', ...at, text: 'Hi you' },
  { type: 'response.content_part.done', ...at, part },
  { type: 'response.output_item.done', output_index: 0, item: { ...item, content: [part] } },
  { type: 'response.completed', response },
] as never);

const messages = [{ role: 'user', content: 'hello' }];
const chat = { path: '/openai/v1/chat/completions', body: { messages } };
const asked = { path: '/openai/v1/responses', body: { input: 'hello' } };
const prompted = { path: '/openai/v1/completions', body: { prompt: 'hello' } };
const google = { path: '/genai_passthrough/v1beta/models/g:streamGenerateContent?alt=sse', body: { contents: [] } };
const native = { path: '/anthropic_passthrough/v1/messages', body: { max_tokens: 9, messages } };
const calls: [string, { path: string; body: object }, string, readonly string[]][] = [
  ['a chat of Claude', chat, 'anthropic/c', claude],
  ['a chat of Gemini', chat, 'gemini/g', gemini],
  ['a response of Claude', asked, 'anthropic/c', claude],
  ['a response of OpenAI', asked, 'openai/o', responses],
  ['a completion of Claude', prompted, 'anthropic/c', claude],
  ['a message of Claude', native, 'c', claude],
  ['generated content of Gemini', google, 'g', gemini],
];

for (const [what, { path, body }, model, chunks] of calls) {
  test(`text that a plugin holds back until its block ends comes before the end of ${what}`, async () => {
    await using upstream = await startUpstream();
    upstream.always({ headers: { 'content-type': 'text/event-stream' }, chunks });
    await using gateway = await startGateway({
      definitions: { hold: plugin('hold', transforming(untilBlockEnd)) },
      plugins: {
        'routes/openai': {},
        'routes/anthropic-passthrough': {},
        'routes/genai-passthrough': {},
        'providers/openai': upstream.provider(),
        'providers/anthropic': upstream.provider(),
        'providers/gemini': upstream.provider(),
        hold: {},
      },
    });
    const reply = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream: true, ...body }),
    });
    const text = await reply.text();
    const end = /"finish_?[rR]eason":"(stop|STOP)"|"stop_reason":"end_turn"|response\.completed/.exec(text)?.index;
    const held = text.indexOf('<Hi you>');
    assert.ok(held > 0 && end !== undefined, text);
    // Gemini says both in one chunk.
    assert.ok(held < end, text);
  });
}

test('content that a plugin emits after the answer has finished is refused with the name of the plugin', async () => {
  const late = plugin(
    'late',
    transforming(() => ({
      event: (event, emit) => emit(event),
      end: (emit) => emit({ type: 'text', choice: 0, block: 0, text: 'too late' }),
    })),
  );
  await using gateway = await chatGateway({ late });
  gateway.upstream.always({ events: streamed('hello') });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /late returned a wrong value from transformResponse.*block-end/);
});

test('a plugin may hold a whole answer back and let it go at the end', async () => {
  const held = plugin(
    'held',
    transforming(() => {
      const events: Parameters<StreamTransform['event']>[0][] = [];
      return {
        event: (event, emit) => (event.type === 'end' ? emit(event) : void events.push(event)),
        end: (emit) => events.forEach(emit),
      };
    }),
  );
  await using gateway = await chatGateway({ held });
  gateway.upstream.always({ events: streamed('hello') });
  assert.match(await (await ask(gateway, { stream: true })).text(), /hello.*"finish_reason":"stop".*\[DONE\]/s);
});
