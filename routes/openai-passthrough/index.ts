import { openai } from '../../plugin-sdk/dialects/index.ts';
import { definePassthrough } from '../passthrough/define-passthrough.ts';

/** OpenAI's own paths, with and without `/v1`: the provider adds it. */
export default definePassthrough({
  name: 'routes/openai-passthrough',
  description: 'Any OpenAI call, byte for byte, under /openai_passthrough.',
  prefix: '/openai_passthrough',
  provider: 'openai',
  dialect: openai,
  normalise: (path) => path.replace(/^\/v1(?=\/|$)/, ''),
});
