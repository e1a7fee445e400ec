import { countedBody } from '../../plugin-sdk/dialects/anthropic-messages/counted-body.ts';
import { countReply } from '../../plugin-sdk/dialects/token-counting.ts';
import type { OperationAdapter } from '../../plugin-sdk/index.ts';

/** Another vendor's request for a count, answered by Anthropic's own. */
export const countTokens: OperationAdapter = {
  encode: (body, call, lost) => ({ path: '/messages/count_tokens', body: countedBody(body, call, lost) }),
  decode: ([reply], _, { exchange }) => ({ json: countReply(exchange.dialect, reply?.json?.['input_tokens']) }),
};
