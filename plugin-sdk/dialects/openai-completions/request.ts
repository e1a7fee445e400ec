import type { Conversation } from '../../conversation/index.ts';
import type { JsonObject, JsonValue } from '../../json.ts';
import type { EncodeContext } from '../dialect.ts';
import { invalid } from '../openai/field-reader.ts';
import * as chat from '../openai-chat/decode-request.ts';
import { encodeRequest as encodeChat } from '../openai-chat/encode-request.ts';

const dialect = 'openai.completions';

/** What only this format has; a chat cannot do it. */
const onlyHere = ['suffix', 'echo', 'best_of', 'logprobs'] as const;

/** A completion as a conversation of one message. Throws REQ_INVALID for token ids and for several prompts. */
export function decodeRequest(body: JsonObject): Conversation {
  const { prompt, suffix, echo, best_of, logprobs, ...shared } = body;
  const conversation = chat.decodeRequest({ ...shared, messages: [{ role: 'user', content: textOf(prompt) }] });
  const kept = Object.fromEntries(onlyHere.flatMap((name) => (body[name] == null ? [] : [[name, body[name]]])));
  if (Object.keys(kept).length === 0) return conversation;
  return { ...conversation, carry: { ...conversation.carry, [dialect]: kept } };
}

function textOf(prompt: JsonValue | undefined): string {
  if (typeof prompt === 'string') return prompt;
  if (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === 'string') return prompt[0];
  if (Array.isArray(prompt) && prompt.length > 1 && typeof prompt[0] === 'string') {
    throw invalid('prompt', 'must be one prompt for this provider; send one request for each');
  }
  throw invalid('prompt', 'must be a string; this provider does not take token ids');
}

/** Writes a completion; everything that was said becomes the prompt. */
export function encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  const { [dialect]: own, ...carry } = conversation.carry ?? {};
  const { messages: _messages, ...shared } = encodeChat({ ...conversation, carry }, context);
  const prompt = conversation.messages
    .flatMap(({ blocks }) => blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])))
    .join('\n\n');
  return { ...shared, prompt, ...own };
}
