import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Fireworks AI. */
export default defineOpenAICompatible({
  name: 'providers/fireworks',
  description: 'Fireworks AI.',
  baseUrl: 'https://api.fireworks.ai/inference',
  environment: ['FIREWORKS_API_KEY'],
  responses: true,
  operations: ['completions', 'embeddings', 'rerank'],
  chat: { thinkTags: ['think'], developerRole: false, topK: true, reasoningField: 'reasoning_content' },
});
