import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Any server that speaks OpenAI's formats: name it in the config, give its `baseUrl`. */
export default defineOpenAICompatible({
  name: 'providers/openai-compatible',
  genAiName: 'instance',
  description: 'Any server that speaks the OpenAI API, at a `baseUrl` of your own.',
  keyless: true,
  responses: true,
  chat: { thinkTags: ['think'] },
  operations: [
    'completions',
    'embeddings',
    'moderations',
    'images.generate',
    'images.edit',
    'images.variation',
    'audio.speech',
    'audio.transcription',
    'audio.translation',
    'count_tokens',
    'rerank',
    'files',
    'batches',
    'videos',
    'realtime',
    'resources',
  ],
});
