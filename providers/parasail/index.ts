import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Parasail. */
export default defineOpenAICompatible({
  name: 'providers/parasail',
  description: 'Parasail.',
  baseUrl: 'https://api.parasail.io',
  environment: ['PARASAIL_API_KEY'],
  operations: ['completions', 'embeddings', 'files', 'batches'],
  chat: { thinkTags: ['think'], developerRole: false, topK: true },
});
