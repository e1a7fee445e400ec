import type { JsonObject } from '../../json.ts';
import type { BodyEditor } from '../../provider.ts';
import { mapObjects, mapObjectsIn } from '../map-objects.ts';
import { makerOfProof } from '../openai/tool-call-proof.ts';

/**
 * An assistant's turn without proofs on tool calls whose maker is not `proofsOf`: a client gives back what it was given, and
 * another provider refuses the field (Groq answers 400 for unknown ones). To that one it says nothing, so nothing is lost.
 * The message itself when it holds none.
 */
export function withoutForeignProofs(message: JsonObject, proofsOf: readonly string[]): JsonObject {
  return mapObjectsIn(message, 'tool_calls', (call) => {
    const maker = makerOfProof(call['extra_content']);
    if (maker === undefined || proofsOf.includes(maker)) return call;
    const { extra_content: _, ...rest } = call;
    return rest;
  });
}

/** The same for a whole body that is carried otherwise as it is. */
export function dropForeignProofs(body: BodyEditor): void {
  const messages = body.get('messages');
  if (!Array.isArray(messages)) return;
  const kept = mapObjects(messages, (message) => withoutForeignProofs(message, []));
  if (kept !== messages) body.set('messages', kept);
}
