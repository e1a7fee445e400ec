import { createHash } from 'node:crypto';
import { freeTextArguments } from '../../plugin-sdk/dialects/free-text.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/index.ts';
import { calledFields, callFields } from './allowed-fields.ts';
import { keepAllowed } from './keep-allowed.ts';

/** The only ids that Mistral accepts for tool calls. */
const accepted = /^[a-zA-Z0-9]{9}$/;

/** The id in Mistral's form: the same id always the same one. */
export function acceptedId(id: string): string {
  return accepted.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9);
}

/** One tool call of the history. */
export function fitCall(written: JsonObject, lost: (field: string) => void): JsonObject {
  const call = keepAllowed(withoutProof(asFunctionCall(written)), callFields, lost);
  const { id, function: made } = call;
  const shortId = typeof id === 'string' ? acceptedId(id) : id;
  const called = isObject(made) ? fitCalled(made, (field) => lost(`function.${field}`)) : made;
  if (shortId === id && called === made) return call;
  return { ...call, ...(shortId === id ? {} : { id: shortId! }), ...(called === made ? {} : { function: called! }) };
}

function fitCalled(made: JsonObject, lost: (field: string) => void): JsonObject {
  const kept = keepAllowed(made, calledFields, lost);
  return kept['arguments'] === undefined ? { ...kept, arguments: '{}' } : kept;
}

/** A call of a free-text tool that the client no longer offers. */
function asFunctionCall(call: JsonObject): JsonObject {
  const { type, custom, ...rest } = call;
  if (type !== 'custom' || !isObject(custom)) return call;
  const text = typeof custom['input'] === 'string' ? custom['input'] : '';
  return { ...rest, type: 'function', function: { name: custom['name']!, arguments: freeTextArguments(text) } };
}

/** Gemini's signatures stand here. Another provider's proof says nothing to Mistral, so nothing is lost. */
function withoutProof(call: JsonObject): JsonObject {
  if (call['extra_content'] === undefined) return call;
  const { extra_content: _, ...rest } = call;
  return rest;
}
