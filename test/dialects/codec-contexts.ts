import type { Answer, AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { AnswerContext, Dialect, EncodeContext, FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { framedEvents } from './sse.ts';

/** A request encoded for a target, with the paths that were lost. */
export function encodeFor(
  dialect: Dialect,
  conversation: Conversation,
  more: Partial<Pick<EncodeContext, 'stream' | 'capabilities' | 'model'>> = {},
): { body: JsonObject; lost: string[] } {
  const lost: string[] = [];
  const context = { model: conversation.model, stream: conversation.stream === true, capabilities: {}, ...more };
  const body = dialect.chat!.encodeRequest(conversation, { ...context, lost: (path) => lost.push(path) });
  // What a socket would see: JSON has no undefined.
  return { body: JSON.parse(JSON.stringify(body)) as JsonObject, lost };
}

export function answerContext(conversation: Partial<Conversation> = {}): AnswerContext {
  return {
    requestId: 'req-1',
    model: 'client-model',
    now: 1_700_000_000,
    conversation: { model: 'client-model', messages: [], ...conversation },
  };
}

export function encodedAnswer(dialect: Dialect, answer: Answer, context = answerContext()): JsonObject {
  return JSON.parse(JSON.stringify(dialect.chat!.encodeAnswer(answer, context))) as JsonObject;
}

/** The answer events of an SSE text. */
export function decodedEvents(dialect: Dialect, text: string | readonly FramedEvent[]): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const decoder = dialect.chat!.decodeStream();
  for (const event of typeof text === 'string' ? framedEvents(text) : text)
    decoder.event(event, (one) => events.push(one));
  decoder.end((one) => events.push(one));
  return events;
}

export function encodedStream(dialect: Dialect, events: readonly AnswerEvent[], context = answerContext()): string {
  const encoder = dialect.chat!.encodeStream(context);
  return events.map((event) => encoder.event(event)).join('');
}

/** Payloads of an SSE text, without the terminator. */
export function payloads(text: string): JsonObject[] {
  return framedEvents(text)
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => JSON.parse(data) as JsonObject);
}

/** Chunks of a chat stream as SSE text with [DONE]. */
export function chatStream(...chunks: readonly JsonObject[]): string {
  const frame = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' };
  return `${chunks.map((chunk) => `data: ${JSON.stringify({ ...frame, ...chunk })}\n\n`).join('')}data: [DONE]\n\n`;
}

export function chatDelta(delta: JsonObject, finish: string | null = null, index = 0): JsonObject {
  return { choices: [{ index, delta, finish_reason: finish }] };
}
