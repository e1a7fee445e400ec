import type { Answer, Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { writeChatUsage } from '../openai/usage.ts';
import { decodeAnswer as decodeChat } from '../openai-chat/decode-answer.ts';
import { finishWord } from '../openai-chat/finish.ts';

/** Reads a `text_completion`. Throws UP_BAD_BODY when it is none. */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  return decodeChat(asChat(body, 'message'), request);
}

/** The same body with every choice's `text` where chat has it: in `message` or, for a chunk, in `delta`. */
export function asChat(body: JsonObject, place: 'message' | 'delta'): JsonObject {
  const { choices } = body;
  if (!Array.isArray(choices)) return body;
  return { ...body, choices: choices.map((choice) => (isObject(choice) ? chatChoice(choice, place) : choice)) };
}

function chatChoice({ text, logprobs: _logprobs, ...choice }: JsonObject, place: 'message' | 'delta'): JsonObject {
  return { ...choice, [place]: { role: 'assistant', content: text ?? '' } };
}

/** Writes a `text_completion`: the text of each choice. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const choices = answer.choices.map(({ index, blocks, finish }): JsonValue => {
    const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
    return { text, index, logprobs: null, finish_reason: finish === undefined ? null : finishWord(finish, undefined) };
  });
  return {
    id: completionId(context.requestId),
    object: 'text_completion',
    created: answer.created ?? context.now,
    model: answer.model ?? context.model,
    choices,
    ...(answer.usage === undefined ? {} : { usage: writeChatUsage(answer.usage) }),
  };
}

export function completionId(requestId: string): string {
  return `cmpl-${requestId.replace(/[^\w-]/g, '')}`;
}
