import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Nebius Token Factory. */
export default defineOpenAICompatible({
  name: 'providers/nebius',
  description: 'Nebius Token Factory.',
  baseUrl: 'https://api.tokenfactory.nebius.com',
  environment: ['NEBIUS_API_KEY'],
  operations: ['completions', 'embeddings', 'images.generate', 'files', 'batches'],
  chat: { thinkTags: ['think'], developerRole: false, topK: true, reasoningField: 'reasoning_content' },
});
