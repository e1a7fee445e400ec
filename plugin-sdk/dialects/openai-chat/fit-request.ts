import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { BodyEditor } from '../../provider.ts';
import { mapObjects } from '../map-objects.ts';
import { offerOnlyAllowed } from './allowed-tools.ts';
import type { ChatCapabilities } from './capabilities.ts';
import { withoutForeignProofs } from './foreign-proofs.ts';

const messageNames = 'messages[].name';

/**
 * Fits a chat request that is carried as bytes to what its target takes: the same data that guides `encodeRequest`,
 * applied as edits. What the target has another name or word for is changed; what it refuses is left out and reported.
 */
export function fitRequest(body: BodyEditor, capabilities: ChatCapabilities): void {
  const { rename = {}, words = {}, refuses = [] } = capabilities;
  if (capabilities.allowedTools === false) offerAllowed(body);
  for (const [from, to] of Object.entries(rename)) body.rename(from, to);
  for (const [field, meanings] of Object.entries(words)) {
    const value = body.get(field);
    const word = typeof value === 'string' ? meanings[value] : undefined;
    if (word !== undefined) body.set(field, word);
  }
  for (const field of refuses) {
    const value = body.get(field);
    if (field === messageNames || value === undefined) continue;
    body.remove(field);
    // Null says as much as nothing.
    if (value !== null) body.lost(field);
  }
  // Usage comes without being asked for.
  if (capabilities.streamOptions === false) body.remove('stream_options');
  fitMessages(body, capabilities);
}

function offerAllowed(body: BodyEditor): void {
  const choice = body.get('tool_choice') as JsonValue;
  if (!isObject(choice)) return;
  const offered = offerOnlyAllowed(body.get('tools') as JsonValue, choice);
  for (const [field, value] of Object.entries(offered ?? {})) body.set(field, value);
}

function fitMessages(body: BodyEditor, capabilities: ChatCapabilities): void {
  const messages = body.get('messages');
  if (!Array.isArray(messages)) return;
  const fitted = mapObjects(messages, (message, i) =>
    fitMessage(message, capabilities, (field) => body.lost(`messages[${i}].${field}`)),
  );
  if (fitted !== messages) body.set('messages', fitted);
}

/** The message itself when nothing needs to change. */
function fitMessage(message: JsonObject, capabilities: ChatCapabilities, lost: (field: string) => void): JsonObject {
  let fitted = message;
  if (capabilities.developerRole === false && message['role'] === 'developer') fitted = { ...fitted, role: 'system' };
  if (capabilities.refuses?.includes(messageNames) && message['name'] !== undefined) {
    const { name: _, ...rest } = fitted;
    fitted = rest;
    if (message['name'] !== null) lost('name');
  }
  if (capabilities.reasoningField !== undefined && message['role'] === 'assistant')
    fitted = fitReasoning(fitted, capabilities.reasoningField);
  fitted = withoutForeignProofs(fitted, capabilities.proofsOf ?? []);
  if (capabilities.contentParts === false && Array.isArray(message['content'])) {
    const text = joinText(message['content']);
    if (text !== undefined) fitted = { ...fitted, content: text };
  }
  return fitted;
}

/** Earlier turns' reasoning goes back under the one name that the target reads, or not at all. */
function fitReasoning(message: JsonObject, field: NonNullable<ChatCapabilities['reasoningField']>): JsonObject {
  if (field === 'reasoning_details') return message;
  const { reasoning_content: content, reasoning, reasoning_details: details, ...rest } = message;
  const text = content ?? reasoning;
  if (text === undefined) return details === undefined ? message : rest;
  if (field === false) return rest;
  if (field === 'thinking')
    return text ? { ...rest, content: [thinkingPart(text), ...partsOf(message['content'])] } : rest;
  return message[field] === text && details === undefined && (content === undefined || reasoning === undefined)
    ? message
    : { ...rest, [field]: text };
}

function thinkingPart(text: JsonValue): JsonObject {
  return { type: 'thinking', thinking: [{ type: 'text', text }] };
}

function partsOf(content: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(content)) return content;
  return typeof content === 'string' && content !== '' ? [{ type: 'text', text: content }] : [];
}

/** Undefined when there is more than text in the parts. */
function joinText(parts: readonly JsonValue[]): string | undefined {
  const texts = parts.map((part) => (isObject(part) && part['type'] === 'text' ? part['text'] : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('') : undefined;
}
