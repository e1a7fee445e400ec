import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** xAI. Responses is its main format; its errors come in three shapes. */
export default defineOpenAICompatible({
  name: 'providers/xai',
  genAiName: 'x_ai',
  description: 'xAI.',
  baseUrl: 'https://api.x.ai',
  environment: ['XAI_API_KEY'],
  responses: true,
  operations: [
    'completions',
    'embeddings',
    'images.generate',
    'images.edit',
    'files',
    'batches',
    'videos',
    'resources',
  ],
  chat: { refuses: ['logit_bias'], reasoningField: 'reasoning_content' },
});
