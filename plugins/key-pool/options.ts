import { z } from 'zod';

const ms = (value: number) => z.number().int().min(0).default(value);

export const keyPoolOptions = z.strictObject({
  strategy: z
    .enum(['weighted', 'least-loaded', 'latency'])
    .default('weighted')
    .describe(
      'weighted: by weight at random. least-loaded: fewest running calls per weight. latency: fastest per weight.',
    ),
  rateLimitRestMs: ms(1_000).describe(
    'Rest of a key and model after 429 without retry-after; doubles with every further one.',
  ),
  refusedRestMs: ms(60_000).describe(
    'Rest after 402 or 403, and time until a key refused with 401 is probed; doubles.',
  ),
  maxRestMs: ms(1_800_000).describe('No rest is longer than this, whatever the provider asks for.'),
});

export type KeyPoolOptions = z.output<typeof keyPoolOptions>;
