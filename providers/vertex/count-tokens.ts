import { countedBody } from '../../plugin-sdk/dialects/anthropic-messages/counted-body.ts';
import type { HostedClaude } from '../../plugin-sdk/dialects/anthropic-messages/hosted-claude.ts';
import { estimatedCount } from '../../plugin-sdk/dialects/estimated-count.ts';
import { countTokens as ofGemini } from '../../plugin-sdk/dialects/google/count-tokens.ts';
import { countReply } from '../../plugin-sdk/dialects/token-counting.ts';
import type { OperationAdapter } from '../../plugin-sdk/index.ts';
import { bareName, claudeVersion, publisherOf } from './publisher.ts';

/** Claude has an endpoint of its own for all its models, which names the model in the body (wire facts 4.2). */
function ofClaude(hosted: HostedClaude): OperationAdapter {
  return {
    encode: (body, call, lost) => ({
      path: '/publishers/anthropic/models/count-tokens:rawPredict',
      headers: hosted.header(call.exchange),
      body: {
        ...hosted.fitted(countedBody(body, call, lost)),
        model: bareName(call.model),
        anthropic_version: claudeVersion,
      },
    }),
    decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['input_tokens']) }),
  };
}

const gemini = ofGemini('vertex');

/** A request for a count, answered by the model's publisher; other makers' models have none. */
export function countTokens(hosted: HostedClaude): OperationAdapter {
  const claude = ofClaude(hosted);
  const counterOf = (model: string): OperationAdapter => {
    const publisher = publisherOf(model);
    if (publisher === 'anthropic') return claude;
    return publisher === 'google' ? gemini : estimatedCount;
  };
  return {
    encode: (body, call, lost) => counterOf(call.model).encode(body, call, lost),
    decode: (replies, body, call) => counterOf(call.model).decode(replies, body, call),
  };
}
