import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** OpenRouter. A failure may come under status 200 or inside a stream, with a number for a code. */
export default defineOpenAICompatible({
  name: 'providers/openrouter',
  description: 'OpenRouter.',
  baseUrl: 'https://openrouter.ai/api',
  environment: ['OPENROUTER_API_KEY'],
  responses: true,
  operations: ['completions', 'embeddings'],
  chat: {
    thinkTags: ['think'],
    topK: true,
    fileUrls: true,
    cache: 'cache_control',
    reasoningField: 'reasoning_details',
    // Its "assistant prefill".
    continuesAssistant: true,
    proofsOf: ['anthropic', 'google', 'openai', 'xai'],
  },
});
