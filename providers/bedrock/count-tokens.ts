import { estimateOf } from '../../plugin-sdk/dialects/estimated-count.ts';
import { bedrockConverse } from '../../plugin-sdk/dialects/index.ts';
import { countedConversation, countReply } from '../../plugin-sdk/dialects/token-counting.ts';
import type { OperationAdapter } from '../../plugin-sdk/index.ts';
import { encodeSegment } from './sign.ts';

/** Members of a Converse body that a count takes (`ConverseTokensRequest`). */
const counted = new Set(['messages', 'system', 'toolConfig', 'additionalModelRequestFields']);

/** Where a model runs is no part of what CountTokens knows it by: it refuses inference profiles. */
const geography = /^(?:us|us-gov|eu|apac|au|jp|ca|global)\./;

/** Which models it can count for changes with the region; it says 400 for the others. */
const cannotCount = /counting tokens|count tokens|model identifier|on-demand|inference profile/i;

/** Another vendor's request for a count, answered by CountTokens, or by an estimate where that does not know the model. */
export const countTokens: OperationAdapter = {
  encode(body, call, lost) {
    const conversation = countedConversation(call.exchange.dialect, body);
    const context = { model: call.model, stream: false, capabilities: {}, lost };
    const whole = bedrockConverse.chat!.encodeRequest(conversation, context);
    const converse = Object.fromEntries(Object.entries(whole).filter(([name]) => counted.has(name)));
    const model = call.model.replace(geography, '');
    return { path: `/model/${encodeSegment(model)}/count-tokens`, body: { input: { converse } } };
  },
  decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['inputTokens']) }),
  recover: ({ status, message }, body, call) =>
    status === 400 && cannotCount.test(message) ? estimateOf(body, call) : undefined,
};
