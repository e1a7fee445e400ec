import { isObject, type JsonValue } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import type { BodyEditor, Call } from '../../provider.ts';

const foreign = loadOnUse<typeof import('./foreign-thinking.ts')>(import.meta.url, './foreign-thinking');

/** One of these stands in every body that holds thinking of another maker; bodies are parsed for it only where one does. */
const signs = ['"bifrost.', '"signature":""', '"signature": ""'];

/**
 * Takes thinking that another provider wrote out of a call that is carried to Claude, as in a conversation that began at
 * another model: "Invalid `signature` in `thinking` block". To Claude it says nothing, so nothing is lost.
 */
export function editCarriedThinking(call: Call, body: BodyEditor): void {
  const { request, dialect } = call.exchange;
  if (call.passthrough || call.dialect !== dialect || request.body.kind !== 'bytes') return;
  if (!request.body.pieces.mention(signs)) return;
  const messages: unknown = body.get('messages');
  if (!Array.isArray(messages)) return;
  const kept = (messages as JsonValue[]).flatMap((message): JsonValue[] =>
    isObject(message) ? foreign().withoutForeignThinking(message) : [message],
  );
  if (kept.some((message, i) => message !== messages[i]) || kept.length < messages.length) body.set('messages', kept);
}
