import { mapObjectsIn } from '../../plugin-sdk/dialects/map-objects.ts';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';

/**
 * Content as a list of chunks becomes a string with its thinking beside it as `reasoning_content`, and `model_length` becomes
 * `length`; undefined when there is nothing to do.
 */
export function shapeReply(json: JsonObject): JsonObject | undefined {
  const shaped = mapObjectsIn(json, 'choices', shapeChoice);
  return shaped === json ? undefined : shaped;
}

function shapeChoice(choice: JsonObject): JsonObject {
  let shaped = choice;
  for (const field of ['message', 'delta']) {
    const part = choice[field];
    if (!isObject(part)) continue;
    if (Array.isArray(part['content'])) shaped = { ...shaped, [field]: shapeContent(part, part['content']) };
  }
  return choice['finish_reason'] === 'model_length' ? { ...shaped, finish_reason: 'length' } : shaped;
}

function shapeContent(part: JsonObject, chunks: readonly JsonValue[]): JsonObject {
  const text = chunks.map((chunk) => textOf(chunk, 'text')).join('');
  const thinking = chunks.map((chunk) => thinkingOf(chunk)).join('');
  return { ...part, content: text, ...(thinking === '' ? {} : { reasoning_content: thinking }) };
}

function thinkingOf(chunk: JsonValue): string {
  if (!isObject(chunk) || chunk['type'] !== 'thinking') return '';
  const { thinking } = chunk;
  return Array.isArray(thinking)
    ? thinking.map((piece) => textOf(piece, 'text')).join('')
    : typeof thinking === 'string'
      ? thinking
      : '';
}

function textOf(chunk: JsonValue, type: string): string {
  return isObject(chunk) && chunk['type'] === type && typeof chunk['text'] === 'string' ? chunk['text'] : '';
}
