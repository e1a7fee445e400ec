import type { Answer, AnswerChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { carried, wireFields } from '../openai/carry.ts';
import { serviceTierOf } from '../openai/shared-fields.ts';
import { sameOrNew, writeChatUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { encodeAssistant, showEverything } from './encode-assistant.ts';
import type { ContentContext } from './encode-content.ts';
import { failureField, finishWord } from './finish.ts';

const dialect = 'openai.chat';

/** Seconds for which OpenAI keeps a sound. */
export const audioLife = 3_600;

/** Writes a chat completion with every field that OpenAI always sends. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const carry = carried(answer, dialect);
  const own = carry !== undefined;
  const named = { audioId: `audio_${context.requestId}`, expiresAt: context.now + audioLife };
  const content: ContentContext = { capabilities: {}, own, lost: () => {}, ...(own ? {} : { answer: named }) };
  const { usage } = answer;
  return {
    id: own && answer.id !== undefined ? answer.id : completionId(context.requestId),
    ...(carry?.['$object'] === 'absent' ? {} : { object: 'chat.completion' }),
    created: answer.created ?? context.now,
    model: answer.model ?? context.model,
    choices: choicesOf(answer).map((choice) => encodeChoice(choice, context, content)),
    ...(usage === undefined ? {} : { usage: sameOrNew(carry?.['$usage'], usage, writeChatUsage) }),
    ...present({ service_tier: own ? answer.serviceTier : serviceTierOf(answer.serviceTier) }),
    ...wireFields(carry),
  };
}

/** Chat ids start with `chatcmpl-`; derived from the request, so that encoding again gives the same. */
export function completionId(requestId: string): string {
  return `chatcmpl-${requestId.replace(/[^\w-]/g, '')}`;
}

/** A blocked prompt has no candidates elsewhere; a chat client must still find a choice that says so. */
function choicesOf(answer: Answer): readonly AnswerChoice[] {
  const blocked: AnswerChoice = { index: 0, blocks: [], finish: { reason: 'content-filter' } };
  return answer.choices.length === 0 && carried(answer, dialect) === undefined ? [blocked] : answer.choices;
}

function encodeChoice(choice: AnswerChoice, { conversation }: AnswerContext, context: ContentContext): JsonObject {
  const carry = carried(choice, dialect);
  const kept = isObject(carry?.['$message']) ? carry['$message'] : undefined;
  const absent = Array.isArray(carry?.['$absent']) ? carry['$absent'] : [];
  const placed = choice.blocks.map((block, j) => ({ block, path: `choices[${choice.index}].content[${j}]` }));
  const fields = encodeAssistant(placed, kept, showEverything, context);
  const oldStyle = usesFunctions(conversation.tools);
  const message: JsonObject = { role: 'assistant', refusal: null, ...fields };
  const shaped = oldStyle && carry === undefined ? withFunctionCall(message) : message;
  for (const field of ['role', 'refusal'] as const)
    if (absent.includes(field) && fields[field] === undefined) delete shaped[field];
  if (fields['content'] === undefined) delete shaped['content'];
  return {
    ...(absent.includes('index') ? {} : { index: choice.index }),
    message: shaped,
    ...(absent.includes('logprobs') ? {} : { logprobs: choice.logprobs ?? null }),
    finish_reason: choice.finish === undefined ? null : word(choice, carry, 'function_call' in shaped),
    ...(carry !== undefined || choice.finish === undefined ? {} : failureField(choice.finish)),
    ...wireFields(carry),
  };
}

function word(choice: AnswerChoice, carry: JsonObject | undefined, functionCall: boolean): string {
  const chosen = finishWord(choice.finish!, carry);
  return functionCall && chosen === 'tool_calls' ? 'function_call' : chosen;
}

/** The client declared its tools in the deprecated way and waits for the deprecated call. */
export function usesFunctions(tools: AnswerContext['conversation']['tools']): boolean {
  return tools?.some((tool) => carried(tool, dialect)?.['$in'] === 'functions') === true;
}

/** A client that declared `functions` waits for `function_call`. */
function withFunctionCall({ tool_calls: calls, ...message }: JsonObject): JsonObject {
  const [call] = Array.isArray(calls) ? calls : [];
  return isObject(call) && isObject(call['function']) ? { ...message, function_call: call['function'] } : message;
}
