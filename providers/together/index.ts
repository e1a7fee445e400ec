import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Together AI. */
export default defineOpenAICompatible({
  name: 'providers/together',
  description: 'Together AI.',
  baseUrl: 'https://api.together.xyz',
  environment: ['TOGETHER_API_KEY'],
  operations: [
    'completions',
    'embeddings',
    'images.generate',
    'audio.speech',
    'audio.transcription',
    'audio.translation',
    'rerank',
    'files',
    'batches',
  ],
  chat: { thinkTags: ['think'], rename: { max_completion_tokens: 'max_tokens' }, developerRole: false, topK: true },
});
