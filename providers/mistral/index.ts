import { openaiQuirks } from '../../plugin-sdk/dialects/openai/quirks.ts';
import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { fitHistory } from './fit-history.ts';
import { shapeReply } from './shape-reply.ts';

/** Models that think, and take their thinking back. */
const thinking = [
  'magistral*',
  'mistral-small-latest',
  'mistral-small-26*',
  'mistral-medium-3-5*',
  'mistral-medium-3.5*',
] as const;

/** Mistral. It answers 422 to any field that it does not know, so what OpenAI has and it has not is left out. */
export default defineOpenAICompatible({
  name: 'providers/mistral',
  genAiName: 'mistral_ai',
  description: 'Mistral AI.',
  baseUrl: 'https://api.mistral.ai',
  environment: ['MISTRAL_API_KEY'],
  operations: ['embeddings', 'moderations', 'audio.speech', 'audio.transcription', 'files'],
  chat: {
    rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' },
    words: { tool_choice: { required: 'any' } },
    refuses: [
      'audio',
      'function_call',
      'functions',
      'logit_bias',
      'logprobs',
      'modalities',
      'prompt_cache_key',
      'prompt_cache_retention',
      'safety_identifier',
      'service_tier',
      'store',
      'top_logprobs',
      'user',
      'verbosity',
      'web_search_options',
    ],
    developerRole: false,
    fileUrls: true,
    streamOptions: false,
    reasoningField: false,
  },
  models: Object.fromEntries(thinking.map((model) => [model, { reasoningField: 'thinking' }])),
  edit: (call, body) => {
    if (call.operation === 'chat' || call.operation === 'responses') fitHistory(body);
  },
  quirks: {
    ...openaiQuirks,
    needles: [...openaiQuirks.needles!, '"thinking"', 'model_length', '"tool_calls":', '"content":[', '"content": ['],
    json: (json, face) => {
      const named = openaiQuirks.json!(json, face);
      return face === 'error' ? named : (shapeReply(named ?? json) ?? named);
    },
  },
});
