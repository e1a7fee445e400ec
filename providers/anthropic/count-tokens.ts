import { capabilitiesOf } from '../../plugin-sdk/dialects/anthropic-messages/capabilities.ts';
import { anthropicMessages, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import type { OperationAdapter } from '../../plugin-sdk/index.ts';

/** Members of a Messages body that `count_tokens` refuses. */
const unwanted = new Set([
  'max_tokens',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
  'service_tier',
]);

/** OpenAI's `POST /responses/input_tokens`, answered by Anthropic's own count. */
export const countTokens: OperationAdapter = {
  encode(body, call, lost) {
    const conversation = openaiResponses.chat!.decodeRequest(body);
    const capabilities = { ...capabilitiesOf(call.model) };
    const whole = anthropicMessages.chat!.encodeRequest(conversation, {
      model: call.model,
      stream: false,
      capabilities,
      lost,
    });
    const counted = Object.fromEntries(Object.entries(whole).filter(([name]) => !unwanted.has(name)));
    return { path: '/messages/count_tokens', body: counted };
  },
  decode: ([reply]) => ({
    json: { object: 'response.input_tokens', input_tokens: Number(reply?.json?.['input_tokens'] ?? 0) },
  }),
};
