import { anthropic } from '../../plugin-sdk/dialects/index.ts';
import type { PassthroughCalls } from '../passthrough/passthrough-instance.ts';

/** Anthropic's own paths, `/v1` included; clients whose base URL ends with `/v1` send it twice. */
export const anthropicCalls: PassthroughCalls = {
  provider: 'anthropic',
  dialect: anthropic,
  normalise: (path) => (path.startsWith('/v1/v1/') ? path.slice('/v1'.length) : path),
  // The SDK fetches the results of a batch at the URL that the batch names.
  urlMembers: (path) => (/\/messages\/batches(?:\/[^/]+(?:\/cancel)?)?$/.test(path) ? ['results_url'] : undefined),
};
