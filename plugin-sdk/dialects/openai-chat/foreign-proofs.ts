import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { BodyEditor } from '../../provider.ts';
import { makerOfProof } from '../openai/tool-call-proof.ts';

/**
 * An assistant's turn without proofs on tool calls whose maker is not `proofsOf`: a client gives back what it was given, and
 * another provider refuses the field (Groq answers 400 for unknown ones). To that one it says nothing, so nothing is lost.
 * The message itself when it holds none.
 */
export function withoutForeignProofs(message: JsonObject, proofsOf: readonly string[]): JsonObject {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return message;
  const kept = calls.map((call) => {
    const maker = isObject(call) ? makerOfProof(call['extra_content']) : undefined;
    if (maker === undefined || proofsOf.includes(maker)) return call;
    const { extra_content: _, ...rest } = call as JsonObject;
    return rest;
  });
  return kept.some((call, i) => call !== calls[i]) ? { ...message, tool_calls: kept } : message;
}

/** The same for a whole body that is carried otherwise as it is. */
export function dropForeignProofs(body: BodyEditor): void {
  const messages = body.get('messages');
  if (!Array.isArray(messages)) return;
  const kept = (messages as JsonValue[]).map((message) =>
    isObject(message) ? withoutForeignProofs(message, []) : message,
  );
  if (kept.some((message, i) => message !== messages[i])) body.set('messages', kept);
}
