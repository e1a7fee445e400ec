import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Cerebras. Its errors are flat, and it refuses penalties and biases. */
export default defineOpenAICompatible({
  name: 'providers/cerebras',
  description: 'Cerebras.',
  baseUrl: 'https://api.cerebras.ai',
  environment: ['CEREBRAS_API_KEY'],
  operations: ['completions'],
  chat: {
    thinkTags: ['think'],
    rename: { max_tokens: 'max_completion_tokens' },
    refuses: ['frequency_penalty', 'presence_penalty', 'logit_bias'],
    reasoningField: 'reasoning',
  },
});
