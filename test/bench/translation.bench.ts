/**
 * Cost of translation: a chat request into each other format, a request of each format into chat, and every event of
 * their streams. JSON.parse and JSON.stringify of the bodies are not in it. Run: `node test/bench/translation.bench.ts`.
 */
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect, EncodeContext, FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { eventsOf } from '../dialects/stream-bytes.ts';
import { bestMicroseconds, report } from './measure.ts';

const others: readonly (readonly [Dialect, model: string])[] = [
  [openaiResponses, 'gpt-5.2'],
  [anthropicMessages, 'claude-opus-4-6'],
  [geminiGenerateContent, 'gemini-3-pro-preview'],
  [bedrockConverse, 'us.anthropic.claude-opus-4-6-v1:0'],
  [cohereChat, 'command-a-03-2025'],
];
const sizes = [1024, 32 * 1024, 1024 * 1024];

const prose = 'Long ago a fox met a dog on a hill, and neither knew what to say. So the fox said: "Nice day". ';

/** A conversation of an agent: turns of 700 bytes, every fourth with a tool call and its result, two tools. */
function chat(bytes: number): JsonObject {
  const messages: JsonObject[] = [{ role: 'system', content: 'Be helpful.' }];
  const text = prose.repeat(8).slice(0, Math.min(700, bytes / 4));
  for (let size = 0, turn = 0; size < bytes - 400; size += 2 * text.length + 250, turn++) {
    const tool_calls = [
      { id: `call_${turn}`, type: 'function', function: { name: 'lookup', arguments: '{"query":"fox"}' } },
    ];
    messages.push(
      { role: 'user', content: text },
      { role: 'assistant', content: null, tool_calls },
      { role: 'tool', tool_call_id: `call_${turn}`, content: 'A fox is an animal.' },
      { role: 'assistant', content: text },
    );
  }
  messages.push({ role: 'user', content: 'And now?' });
  const properties = { query: { type: 'string', description: 'What to look for' } };
  const parameters = { type: 'object', properties, required: ['query'], additionalProperties: false };
  const tools = ['lookup', 'search'].map((name) => ({
    type: 'function',
    function: { name, description: name, parameters },
  }));
  return { model: 'gpt-5.2', messages, tools, temperature: 0.7, max_completion_tokens: 1000 };
}

const context = (model: string): EncodeContext => ({ model, stream: true, capabilities: {}, lost: () => {} });

function translate(body: JsonObject, from: Dialect, to: Dialect, model: string): JsonObject {
  return to.chat!.encodeRequest(from.chat!.decodeRequest(body), context(model));
}

for (const size of sizes) {
  const body = chat(size);
  const text = JSON.stringify(body);
  report(
    `JSON.parse, ${text.length} bytes`,
    bestMicroseconds(() => JSON.parse(text)),
    'request',
  );
  for (const [dialect, model] of others) {
    const there = bestMicroseconds(() => translate(body, openaiChat, dialect, model));
    report(`openai.chat → ${dialect.id}, ${text.length} bytes`, there, 'request');
    const translated = JSON.parse(JSON.stringify(translate(body, openaiChat, dialect, model))) as JsonObject;
    const back = bestMicroseconds(() => translate(translated, dialect, openaiChat, 'gpt-5.2'));
    report(`${dialect.id} → openai.chat, ${text.length} bytes`, back, 'request');
  }
}

const count = 500;
const client: Conversation = { model: 'm', messages: [], stream: true, streamUsage: true };
const answerContext = { requestId: 'r', model: 'm', now: 1, conversation: client };

/** A stream of `count` words of text. */
const words: AnswerEvent[] = [
  { type: 'start', id: 'a', model: 'm', created: 1 },
  { type: 'block-start', choice: 0, block: 0, head: { type: 'text' } },
  ...Array.from({ length: count }, (): AnswerEvent => ({ type: 'text', choice: 0, block: 0, text: ' hello' })),
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'finish', choice: 0, finish: { reason: 'stop' } },
  { type: 'usage', usage: { input: 10, output: count } },
  { type: 'end' },
];

function streamOf(dialect: Dialect): FramedEvent[] {
  const encoder = dialect.chat!.encodeStream(answerContext);
  const bytes = words.map((event) => Buffer.from(encoder.event(event) as string));
  return eventsOf(dialect.framing, Buffer.concat(bytes));
}

let written = 0;

function pipe(events: readonly FramedEvent[], from: Dialect, to: Dialect): void {
  const decoder = from.chat!.decodeStream(client);
  const encoder = to.chat!.encodeStream(answerContext);
  const emit = (event: AnswerEvent): void => void (written += encoder.event(event).length);
  for (const event of events) decoder.event(event, emit);
  decoder.end(emit);
}

for (const [dialect] of others) {
  const theirs = streamOf(dialect);
  const inward = bestMicroseconds(() => pipe(theirs, dialect, openaiChat)) / theirs.length;
  report(`${dialect.id} → openai.chat, ${count} words`, inward, 'event');
  const ours = streamOf(openaiChat);
  const outward = bestMicroseconds(() => pipe(ours, openaiChat, dialect)) / ours.length;
  report(`openai.chat → ${dialect.id}, ${count} words`, outward, 'event');
}
