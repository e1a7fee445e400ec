import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';

/** Ollama. It reads only `max_tokens`, and most of its templates know no developer role. */
export default defineOpenAICompatible({
  name: 'providers/ollama',
  description: 'Ollama, on this machine or its cloud.',
  baseUrl: 'http://localhost:11434',
  environment: ['OLLAMA_API_KEY'],
  keyless: true,
  responses: true,
  operations: ['completions', 'embeddings', 'audio.transcription'],
  chat: {
    thinkTags: ['think'],
    rename: { max_completion_tokens: 'max_tokens' },
    refuses: ['logit_bias', 'n', 'parallel_tool_calls', 'user'],
    developerRole: false,
    reasoningField: 'reasoning',
    continuesAssistant: true,
    // "invalid reasoning value: 'xhigh' (must be \"high\", \"medium\", \"low\", or \"none\")"; later ones have "max" as well.
    efforts: ['none', 'low', 'medium', 'high'],
  },
});
