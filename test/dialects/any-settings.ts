import fc from 'fast-check';
import type { Conversation } from '../../plugin-sdk/conversation/index.ts';

/** Any settings that a client of any format may state. */
export const anySettings: fc.Arbitrary<Partial<Conversation>> = fc.record(
  {
    sampling: fc.record(
      {
        temperature: fc.constantFrom(0, 0.5, 1),
        topP: fc.constantFrom(0.1, 0.9),
        topK: fc.constantFrom(1, 40),
        frequencyPenalty: fc.constantFrom(0.5, 1),
        presencePenalty: fc.constantFrom(0.5, 1),
        seed: fc.constantFrom(1, 7),
        logitBias: fc.constant({ 50256: -100 }),
      },
      { requiredKeys: [] },
    ),
    maxOutputTokens: fc.constantFrom(100, 5000),
    stop: fc.constantFrom(['END'], ['a', 'b', 'c', 'd', 'e', 'f']),
    reasoning: fc.record(
      { effort: fc.constantFrom('none', 'low', 'high', 'max'), show: fc.constantFrom('none', 'auto') },
      { requiredKeys: [] },
    ),
    output: fc.constantFrom(
      { type: 'json' },
      {
        type: 'schema',
        name: 'city',
        schema: {
          type: 'object',
          properties: { name: { type: 'string' } },
          required: ['name'],
          additionalProperties: false,
        },
      },
    ),
    tools: fc.constant([
      {
        type: 'function',
        name: 'find_city',
        description: 'Finds',
        parameters: { type: 'object', properties: { q: { type: 'string' } } },
      },
      { type: 'function', name: 'now' },
    ] as const),
    toolChoice: fc.constantFrom(
      { type: 'none' },
      { type: 'required' },
      { type: 'tool', name: 'now' },
      { type: 'allowed', mode: 'auto', names: ['now'] },
    ),
    parallelToolCalls: fc.boolean(),
    logprobs: fc.constantFrom({}, { top: 3 }),
    modalities: fc.constantFrom(['text'], ['text', 'audio']),
    endUser: fc.constant('u1'),
    metadata: fc.constant({ team: 'a' }),
    serviceTier: fc.constantFrom('auto', 'default', 'flex', 'priority'),
    verbosity: fc.constantFrom('low', 'medium'),
    store: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Partial<Conversation>>;
