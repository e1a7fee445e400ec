import type { Conversation } from '../conversation/index.ts';
import { isObject, type JsonObject } from '../json.ts';
import { anthropicMessages } from './anthropic-messages/index.ts';
import type { Dialect } from './dialect.ts';
import { geminiGenerateContent } from './gemini-generate-content/index.ts';
import { openaiResponses } from './openai-responses/index.ts';

/** How clients of one vendor ask what a request would use, and read the answer. */
interface CountFormat {
  request(body: JsonObject): Conversation;
  reply(tokens: number): JsonObject;
}

/** `POST /responses/input_tokens`. */
const openaiFormat: CountFormat = {
  request: (body) => openaiResponses.chat!.decodeRequest(body),
  reply: (tokens) => ({ object: 'response.input_tokens', input_tokens: tokens }),
};

const formats: Readonly<Record<string, CountFormat>> = {
  // `POST /v1/messages/count_tokens`.
  anthropic: {
    request: (body) => anthropicMessages.chat!.decodeRequest(body),
    reply: (tokens) => ({ input_tokens: tokens }),
  },
  // `:countTokens`: bare contents, or a whole request of generateContent around them.
  google: {
    request({ generateContentRequest: whole, ...bare }) {
      return geminiGenerateContent.chat!.decodeRequest(isObject(whole) ? whole : bare);
    },
    reply: (tokens) => ({ totalTokens: tokens }),
  },
};

/** What a client of this dialect wants counted. Throws GatewayError REQ_INVALID. */
export function countedConversation(client: Dialect, body: JsonObject): Conversation {
  return (formats[client.id] ?? openaiFormat).request(body);
}

/** The count in the shape that a client of this dialect reads. */
export function countReply(client: Dialect, tokens: unknown): JsonObject {
  return (formats[client.id] ?? openaiFormat).reply(Number(tokens ?? 0));
}
