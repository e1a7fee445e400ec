import { openaiQuirks } from '../../plugin-sdk/dialects/openai/quirks.ts';
import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { shapeReply } from './shape-reply.ts';

const fitting = loadOnUse<typeof import('./fit-request.ts')>(import.meta.url, './fit-request');

/** Models that think, and take their thinking back. */
const thinking = [
  'magistral*',
  'mistral-small-latest',
  'mistral-small-26*',
  'mistral-medium-3-5*',
  'mistral-medium-3.5*',
] as const;

/**
 * Mistral. It answers 422 to any field that it does not know, so only what it has goes out; the rest is named as lost. Its
 * words, names and fields are those of its OpenAPI document.
 */
export default defineOpenAICompatible({
  name: 'providers/mistral',
  genAiName: 'mistral_ai',
  description: 'Mistral AI.',
  baseUrl: 'https://api.mistral.ai',
  environment: ['MISTRAL_API_KEY'],
  operations: ['embeddings', 'moderations', 'audio.speech', 'audio.transcription', 'files'],
  chat: {
    rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' },
    words: {
      tool_choice: { required: 'any' },
      // It has two efforts; its guide to them says that at `none` a model still thinks, minimally.
      reasoning_effort: { minimal: 'none', low: 'high', medium: 'high', xhigh: 'high', max: 'high' },
    },
    developerRole: false,
    fileUrls: true,
    streamOptions: false,
    reasoningField: false,
    // By `prefix`, which its edit adds.
    continuesAssistant: true,
  },
  models: Object.fromEntries(thinking.map((model) => [model, { reasoningField: 'thinking' }])),
  edit: (call, body) => {
    if (call.dialect.id === 'openai.chat') fitting().fitChat(body);
    else if (call.operation === 'moderations') fitting().fitModeration(body);
    else if (call.operation === 'embeddings') fitting().fitEmbedding(body);
  },
  quirks: {
    ...openaiQuirks,
    needles: [...openaiQuirks.needles!, '"thinking"', 'model_length', '"content":[', '"content": ['],
    json: (json, face) => {
      const named = openaiQuirks.json!(json, face);
      return face === 'error' ? named : (shapeReply(named ?? json) ?? named);
    },
  },
});
