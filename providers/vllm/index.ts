import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** A vLLM server. It shows reasoning as `reasoning` from 0.11 on and as `reasoning_content` before. */
export default defineOpenAICompatible({
  name: 'providers/vllm',
  description: 'A vLLM server.',
  baseUrl: 'http://localhost:8000',
  environment: ['VLLM_API_KEY'],
  keyless: true,
  responses: true,
  operations: ['completions', 'embeddings', 'audio.transcription', 'audio.translation', 'rerank'],
  chat: {
    thinkTags: ['think'],
    topK: true,
    video: true,
    reasoningField: 'reasoning',
    continuesAssistant: 'continue_final_message',
  },
});
