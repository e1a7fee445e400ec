import { mapObjectsIn } from '../../plugin-sdk/dialects/map-objects.ts';
import { openaiQuirks } from '../../plugin-sdk/dialects/openai/quirks.ts';
import { defineOpenAICompatible, type JsonObject } from '../../plugin-sdk/index.ts';

/** Perplexity. No version in its path, no tools, no stop words; its stream repeats the whole text in every chunk. */
export default defineOpenAICompatible({
  name: 'providers/perplexity',
  description: 'Perplexity.',
  baseUrl: 'https://api.perplexity.ai',
  environment: ['PERPLEXITY_API_KEY'],
  apiPath: '',
  chat: {
    thinkTags: ['think'],
    rename: { max_completion_tokens: 'max_tokens' },
    refuses: [
      'tools',
      'tool_choice',
      'parallel_tool_calls',
      'stop',
      'seed',
      'logprobs',
      'top_logprobs',
      'logit_bias',
      'n',
      'user',
      'store',
    ],
    developerRole: false,
    streamOptions: false,
  },
  quirks: {
    ...openaiQuirks,
    needles: [...openaiQuirks.needles!, '"message"'],
    json: (json, face) =>
      openaiQuirks.json!(json, face) ?? (face === 'event' ? withoutRepeatedMessage(json) : undefined),
  },
});

/** A chunk's `message` has all text so far beside the `delta` that is new. */
function withoutRepeatedMessage(json: JsonObject): JsonObject | undefined {
  const kept = mapObjectsIn(json, 'choices', (choice) => {
    const { message, ...rest } = choice;
    return message === undefined || rest['delta'] === undefined ? choice : rest;
  });
  return kept === json ? undefined : kept;
}
