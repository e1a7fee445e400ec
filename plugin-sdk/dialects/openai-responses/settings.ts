import type { Conversation, Reasoning } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { type Effort, effortOf } from '../openai/reasoning-effort.ts';
import { present } from '../present.ts';

/** `text: {format, verbosity}`; `undefined` when there is nothing to say. */
export function encodeTextSettings(
  { output, verbosity }: Conversation,
  carry: JsonObject | undefined,
): JsonObject | undefined {
  const rest = carry?.['$text'];
  if (output === undefined && verbosity === undefined && !isObject(rest)) return undefined;
  return { ...asObject(rest), ...present({ format: encodeFormat(output, carry), verbosity }) };
}

function encodeFormat(output: Conversation['output'], carry: JsonObject | undefined): JsonObject | undefined {
  if (output === undefined) return undefined;
  const rest = asObject(carry?.['$format']);
  if (output.type === 'text') return { type: 'text', ...rest };
  if (output.type === 'json') return { type: 'json_object', ...rest };
  // The name is required here and the default of strict differs from other formats.
  const { name = carry === undefined ? 'answer' : undefined, description, schema } = output;
  const strict = output.strict ?? (carry === undefined ? false : undefined);
  return { type: 'json_schema', ...present({ name, description, schema, strict }), ...rest };
}

/** `reasoning: {effort, summary}`. */
export function encodeReasoningSettings(
  reasoning: Reasoning | undefined,
  efforts: readonly Effort[] | undefined,
  carry: JsonObject | undefined,
): JsonObject | undefined {
  const rest = carry?.['$reasoning'];
  const effort = effortOf(reasoning, efforts);
  const summary = summaryOf(reasoning?.show);
  if (effort === undefined && summary === undefined && !isObject(rest)) return undefined;
  return { ...asObject(rest), ...present({ effort, summary }) };
}

function summaryOf(show: Reasoning['show']): string | undefined {
  if (show === 'none') return undefined;
  return show === 'full' ? 'detailed' : show;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
