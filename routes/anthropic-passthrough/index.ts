import { anthropic } from '../../plugin-sdk/dialects/index.ts';
import { definePassthrough } from '../passthrough/define-passthrough.ts';

/** Anthropic's own paths, `/v1` included; clients whose base URL ends with `/v1` send it twice. */
export default definePassthrough({
  name: 'routes/anthropic-passthrough',
  description: 'Any Anthropic call, byte for byte, under /anthropic_passthrough.',
  prefix: '/anthropic_passthrough',
  provider: 'anthropic',
  dialect: anthropic,
  normalise: (path) => (path.startsWith('/v1/v1/') ? path.slice('/v1'.length) : path),
  // The SDK fetches the results of a batch at the URL that the batch names.
  urlMembers: (path) => (/\/messages\/batches(?:\/[^/]+(?:\/cancel)?)?$/.test(path) ? ['results_url'] : undefined),
});
