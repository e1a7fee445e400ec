import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { openProof } from '../sealed-proof.ts';

/** A message without thinking of other makers; itself when it has none, nothing when nothing else is in it. */
export function withoutForeignThinking(message: JsonObject): JsonObject[] {
  const { content } = message;
  if (!Array.isArray(content) || !content.some(isForeign)) return [message];
  const rest = content.filter((block) => !isForeign(block));
  return rest.length === 0 ? [] : [{ ...message, content: rest }];
}

/** Thinking that nobody signed, or whose proof is sealed in its signature or, of a tool call, in a block of its own. */
function isForeign(block: JsonValue): boolean {
  if (!isObject(block)) return false;
  const { type, signature, data } = block;
  if (type === 'thinking')
    return signature === '' || (typeof signature === 'string' && openProof(signature) !== undefined);
  return type === 'redacted_thinking' && typeof data === 'string' && openProof(data) !== undefined;
}
