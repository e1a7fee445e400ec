import { mapObjects } from '../../plugin-sdk/dialects/map-objects.ts';
import { type BodyEditor, isObject, type JsonValue } from '../../plugin-sdk/index.ts';

const field = 'reasoning_content';

/**
 * While it thinks, DeepSeek refuses a history in which some of its turns have their thinking and others have not, such as
 * those whose thinking a client left out: "The `reasoning_content` in the thinking mode must be passed back to the API"
 * (MoonshotAI/kimi-cli#2141). An empty one satisfies it.
 */
export function keepThinking(body: BodyEditor): void {
  const messages: unknown = body.get('messages');
  if (!Array.isArray(messages)) return;
  const turns = messages as JsonValue[];
  if (!turns.some((message) => isObject(message) && typeof message[field] === 'string')) return;
  const kept = mapObjects(turns, (message) =>
    message['role'] === 'assistant' && message[field] === undefined ? { ...message, [field]: '' } : message,
  );
  if (kept !== turns) body.set('messages', kept);
}
