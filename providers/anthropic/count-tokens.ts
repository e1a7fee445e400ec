import { capabilitiesOf } from '../../plugin-sdk/dialects/anthropic-messages/capabilities.ts';
import { anthropicMessages } from '../../plugin-sdk/dialects/index.ts';
import { countedConversation, countReply } from '../../plugin-sdk/dialects/token-counting.ts';
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

/** Another vendor's request for a count, answered by Anthropic's own. */
export const countTokens: OperationAdapter = {
  encode(body, call, lost) {
    const conversation = countedConversation(call.exchange.dialect, body);
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
  decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['input_tokens']) }),
};
