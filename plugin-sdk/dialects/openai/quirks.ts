import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import type { ReplyQuirks } from '../../provider.ts';
import { mapObjectsIn } from '../map-objects.ts';
import { problemOf } from './problem.ts';

const toolCalls = loadOnUse<typeof import('./tool-call-deltas.ts')>(import.meta.url, './tool-call-deltas');

/**
 * What OpenAI-likes do differently in their replies, brought to OpenAI's shape: errors flat, bare or with numeric codes,
 * errors under status 200, tool calls without type or at one index, and `reasoning` beside which `reasoning_content` is put,
 * so that a client needs to know one name.
 */
export const openaiQuirks: ReplyQuirks = {
  needles: ['"reasoning"', '"error"', '"tool_calls"'],
  errorIn200: (json) => (isFailure(json) ? (problemOf(json, undefined)?.status ?? 502) : undefined),
  json(json, face) {
    if (face === 'error' || json['error']) return withShapedError(json);
    const named = nameReasoning(json);
    return face === 'reply' ? (toolCalls().shapeToolCalls(named ?? json) ?? named) : named;
  },
  stream: () => new (toolCalls().ToolCallDeltas)(),
};

/** A success never has an `error` with content; a response object of the Responses API has `error: null`. */
function isFailure(json: JsonObject): boolean {
  const { error } = json;
  return (
    (isObject(error) || typeof error === 'string') && json['choices'] === undefined && json['object'] !== 'response'
  );
}

/** A stream's last chunk may report a failure beside its choices; those stay. */
function withShapedError(json: JsonObject): JsonObject | undefined {
  const shaped = shapeError(json);
  return shaped !== undefined && json['choices'] !== undefined ? { ...json, ...shaped } : shaped;
}

/** `{error: {message, type, param, code}}` for a failure in any other shape; undefined when it has this one. */
export function shapeError(json: JsonValue): JsonObject | undefined {
  const error = isObject(json) ? json['error'] : undefined;
  if (isObject(error) && typeof error['message'] === 'string' && typeof error['code'] !== 'number') return undefined;
  const problem = problemOf(json, undefined);
  if (problem === undefined) return undefined;
  const { message, type, param, code } = problem;
  const others = isObject(error) ? error : {};
  return { error: { ...others, message, type: type ?? null, param: param ?? null, code: code ?? null } };
}

/** Puts `reasoning_content` beside `reasoning` in every choice; undefined when there is nothing to do. */
export function nameReasoning(json: JsonObject): JsonObject | undefined {
  const named = mapObjectsIn(json, 'choices', nameInChoice);
  return named === json ? undefined : named;
}

function nameInChoice(choice: JsonObject): JsonObject {
  for (const field of ['message', 'delta']) {
    const part = choice[field];
    if (!isObject(part) || typeof part['reasoning'] !== 'string' || part['reasoning_content'] !== undefined) continue;
    return { ...choice, [field]: { ...part, reasoning_content: part['reasoning'] } };
  }
  return choice;
}
