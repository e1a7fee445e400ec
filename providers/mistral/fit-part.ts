import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { imageDetails, imageFields, partFields } from './allowed-fields.ts';
import { fitEach, keepAllowed } from './keep-allowed.ts';

/**
 * One part of a content as Mistral has it; undefined, and lost at `path`, when it has no such part.
 *
 * @param allows Whether parts of a type may stand there.
 */
export function fitPart(
  written: JsonValue,
  allows: (type: string) => boolean,
  path: string,
  lost: (path: string) => void,
): JsonValue | undefined {
  // Some clients put bare strings into the list.
  if (typeof written === 'string') return { type: 'text', text: written };
  if (!isObject(written)) return written;
  const part = respelt(written);
  const type = String(part['type'] ?? 'text');
  const fields = partFields[type];
  if (fields === undefined || !allows(type)) {
    lost(path);
    return undefined;
  }
  const kept = keepAllowed(part, fields, (field) => lost(`${path}.${field}`));
  if (type === 'image_url') return fitImage(kept, `${path}.image_url`, lost);
  return type === 'thinking' ? fitThinking(kept, path, lost) : kept;
}

/**
 * OpenAI's parts under Mistral's names: it has parts of its own for documents, by URL or data URL, takes sounds without
 * their format, and a refusal is a text that the model said.
 */
function respelt(part: JsonObject): JsonObject {
  const { type, file, input_audio: audio, refusal, ...rest } = part;
  if (type === 'refusal' && typeof refusal === 'string') return { ...rest, type: 'text', text: refusal };
  if (type === 'input_audio' && isObject(audio) && typeof audio['data'] === 'string')
    return { ...rest, type, input_audio: audio['data'] };
  if (type !== 'file' || !isObject(file)) return part;
  const { file_id: id, filename: name } = file;
  if (typeof id === 'string') return { ...rest, type, file_id: id };
  const url = file['file_data'] ?? file['file_url'];
  if (typeof url !== 'string') return part;
  return {
    ...rest,
    type: 'document_url',
    document_url: url,
    ...(typeof name === 'string' ? { document_name: name } : {}),
  };
}

function fitImage(part: JsonObject, path: string, lost: (path: string) => void): JsonObject {
  const image = part['image_url'];
  if (!isObject(image)) return part;
  const isKnown = image['detail'] === undefined || imageDetails.includes(image['detail']);
  const allowed = isKnown ? imageFields : ['url'];
  const fitted = keepAllowed(image, allowed, (field) => lost(`${path}.${field}`));
  return fitted === image ? part : { ...part, image_url: fitted };
}

function fitThinking(part: JsonObject, path: string, lost: (path: string) => void): JsonObject {
  const { thinking } = part;
  if (typeof thinking === 'string') return { ...part, thinking: [{ type: 'text', text: thinking }] };
  if (!Array.isArray(thinking)) return part;
  const fitted = fitEach(thinking, (piece, i) => fitPart(piece, isThought, `${path}.thinking[${i}]`, lost));
  return fitted === thinking ? part : { ...part, thinking: fitted as JsonValue[] };
}

function isThought(type: string): boolean {
  return type === 'text' || type === 'reference' || type === 'tool_reference';
}
