import type { JsonObject } from '../../json.ts';
import type { Call } from '../../provider.ts';
import { countedConversation } from '../token-counting.ts';
import { capabilitiesOf } from './capabilities.ts';
import { anthropicMessages } from './index.ts';

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

/** Any client's request for a count as `count_tokens` of Claude takes it. Throws GatewayError REQ_INVALID. */
export function countedBody(body: JsonObject, call: Call, lost: (path: string) => void): JsonObject {
  const whole = anthropicMessages.chat!.encodeRequest(countedConversation(call.exchange.dialect, body), {
    model: call.model,
    stream: false,
    capabilities: { ...capabilitiesOf(call.model) },
    lost,
  });
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !unwanted.has(name))) as JsonObject;
}
