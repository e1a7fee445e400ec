import { openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import { countedConversation, countReply } from '../../plugin-sdk/dialects/token-counting.ts';
import type { OperationAdapter } from '../../plugin-sdk/index.ts';

/** Members of a Responses body that its input tokens come of (openai 7.57, `InputTokenCountParams`). */
const counted = new Set([
  'input',
  'instructions',
  'model',
  'parallel_tool_calls',
  'reasoning',
  'text',
  'tool_choice',
  'tools',
  'truncation',
]);

/** Another vendor's request for a count, answered by OpenAI's own. */
export const countTokens: OperationAdapter = {
  encode(body, call, lost) {
    const conversation = countedConversation(call.exchange.dialect, body);
    const context = { model: call.model, stream: false, capabilities: {}, lost };
    const whole = openaiResponses.chat!.encodeRequest(conversation, context);
    const members = Object.entries(whole).filter(([name]) => counted.has(name));
    return { path: '/responses/input_tokens', body: Object.fromEntries(members) };
  },
  decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['input_tokens']) }),
};
