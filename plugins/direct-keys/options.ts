import { z } from 'zod';

export const directKeysOptions = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe("True: a caller's own provider key, sent with the request, is used instead of the pool."),
  placeholders: z
    .array(z.string())
    .default([
      '',
      'dummy-key',
      'dummy',
      'dummy_key',
      'none',
      'null',
      'undefined',
      'empty',
      'placeholder',
      'not-needed',
      'no-key',
      'no-key-required',
      'unused',
      'changeme',
      'fake',
      'x',
      'test',
      'bifrost',
      'sk-dummy',
      'sk-none',
      'sk-placeholder',
      'sk-1234',
      'your-api-key',
    ])
    .describe('Values that SDKs demand but nobody means; case does not count. They are never sent: the pool serves.'),
  endpointProviders: z
    .array(z.string())
    .default(['azure'])
    .describe('Providers whose direct key needs x-bf-azure-endpoint, by instance name.'),
  endpoints: z
    .array(z.string().regex(/^(https?:\/\/)?(\*\.)?[\w.-]+(:\d+)?$/, 'expected a host such as *.openai.azure.com'))
    .default(['*.openai.azure.com', '*.cognitiveservices.azure.com', '*.services.ai.azure.com'])
    .describe(
      'Hosts that x-bf-azure-endpoint may name, https unless one says http://; *. stands for one or more labels.',
    ),
});

export type DirectKeysOptions = z.output<typeof directKeysOptions>;
