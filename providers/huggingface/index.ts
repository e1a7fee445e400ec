import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Hugging Face inference providers, behind one router: `model:provider` chooses who serves. */
export default defineOpenAICompatible({
  name: 'providers/huggingface',
  description: 'Hugging Face inference providers.',
  baseUrl: 'https://router.huggingface.co',
  environment: ['HF_TOKEN', 'HUGGINGFACE_API_KEY'],
  responses: true,
  chat: { thinkTags: ['think'], developerRole: false },
});
