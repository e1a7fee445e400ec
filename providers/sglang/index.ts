import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** An SGLang server. Its errors are flat. */
export default defineOpenAICompatible({
  name: 'providers/sglang',
  description: 'An SGLang server.',
  baseUrl: 'http://localhost:30000',
  environment: ['SGLANG_API_KEY'],
  keyless: true,
  responses: true,
  operations: ['completions', 'embeddings', 'audio.transcription', 'rerank'],
  chat: {
    thinkTags: ['think'],
    topK: true,
    video: true,
    developerRole: false,
    reasoningField: 'reasoning_content',
    continuesAssistant: 'continue_final_message',
  },
});
