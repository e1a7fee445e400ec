import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { BodyEditor, Call } from '../../provider.ts';
import { sealMark } from './sealed-signature.ts';

/**
 * Takes proofs of other makers out of a call that is carried to Google, as in a conversation that began at another model:
 * Google refuses signatures that are not its own. To Google they say nothing, so nothing is lost.
 */
export function editCarriedSignatures(call: Call, body: BodyEditor): void {
  const { request, dialect } = call.exchange;
  if (call.passthrough || call.dialect !== dialect || request.body.kind !== 'bytes') return;
  if (!request.body.pieces.mention([`"${sealMark}`])) return;
  const contents: unknown = body.get('contents');
  if (Array.isArray(contents)) body.set('contents', (contents as JsonValue[]).flatMap(withoutSeals));
}

function withoutSeals(content: JsonValue): JsonValue[] {
  if (!isObject(content)) return [content];
  const { parts: given } = content;
  if (!Array.isArray(given)) return [content];
  const parts = given.flatMap((part): JsonValue[] => (isObject(part) ? withoutSeal(part) : [part]));
  return parts.length === 0 ? [] : [{ ...content, parts }];
}

/** A part without its seal; nothing where it was made for that. */
function withoutSeal(part: JsonObject): JsonObject[] {
  const { thoughtSignature = part['thought_signature'] } = part;
  if (typeof thoughtSignature !== 'string' || !thoughtSignature.startsWith(sealMark)) return [part];
  const { thoughtSignature: _, thought_signature: __, ...rest } = part;
  return rest['text'] === '' ? [] : [rest];
}
