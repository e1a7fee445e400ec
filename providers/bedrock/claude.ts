import { type HostedBetas, HostedClaude } from '../../plugin-sdk/dialects/anthropic-messages/hosted-claude.ts';
import { bedrockInvoke } from '../../plugin-sdk/dialects/bedrock-invoke/index.ts';
import type { BodyEditor, Exchange } from '../../plugin-sdk/index.ts';

/** What stands in the body in place of Anthropic's header; later versions refuse sampling settings. */
const version = 'bedrock-2023-05-31';

/** What AWS documents, and gateways in the field have found Bedrock to accept (November 2026). */
const same = [
  'compact-2026-01-12',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dangerous-tool-use-2026-09-03',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'mid-conversation-output-config-2026-07-01',
  'mid-conversation-tool-changes-2026-07-01',
  'thinking-binding-controls-2026-08-01',
  'thinking-display-updates-2026-08-18',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
];
const renamed = { 'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19' };

/** Members that Anthropic's API reads and Bedrock has elsewhere or not at all. */
const foreign = ['service_tier', 'inference_geo', 'container'];

export { bedrockInvoke };

/** Claude on Bedrock; `corrected` is what the operator knows better. */
export function claudeOnBedrock(corrected: HostedBetas): HostedClaude {
  return new HostedClaude({ ...Object.fromEntries(same.map((name) => [name, name])), ...renamed, ...corrected });
}

/** A Messages body as InvokeModel takes it: the model is in the path, how to answer too, and betas in the body. */
export function fitInvoke(hosted: HostedClaude, exchange: Exchange, body: BodyEditor): void {
  hosted.fit(exchange, body);
  for (const name of foreign) {
    if (body.get(name) === undefined) continue;
    body.remove(name);
    body.lost(name);
  }
  body.remove('model');
  body.remove('stream');
  body.set('anthropic_version', version);
  body.set('anthropic_beta', hosted.betas(exchange));
}
