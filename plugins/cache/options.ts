import { z } from 'zod';
import { operations } from '../../plugin-sdk/index.ts';

const seconds = z.number().int().min(1);

export const cacheOptions = z.strictObject({
  ttlSeconds: seconds.default(300).describe('How long an answer is kept, unless the request says otherwise.'),
  maxTtlSeconds: seconds.default(86_400).describe('The longest that a request may ask for.'),
  share: z
    .enum(['caller', 'team', 'customer', 'everyone'])
    .default('caller')
    .describe(
      'Who may be answered with what was answered to whom. Wider than `caller` only where all may read the same.',
    ),
  namespace: z.string().max(128).default('').describe('Where the entries of requests without x-bf-cache-key go.'),
  operations: z
    .array(z.enum(operations))
    .default(['chat', 'responses', 'completions', 'embeddings'])
    .describe('What is cached.'),
  onRequest: z.boolean().default(false).describe('Cache only requests that name a namespace by x-bf-cache-key.'),
  costOfHit: z
    .enum(['none', 'as-cached'])
    .default('none')
    .describe('`as-cached`: a hit is admitted, limited and charged like the call that filled the entry.'),
  pace: z.enum(['fast', 'recorded']).default('fast').describe('How streams are replayed.'),
  coalesce: z.boolean().default(true).describe('Make one call of identical requests that are in flight together.'),
  waitSeconds: seconds
    .max(600)
    .default(120)
    .describe('How long a request waits for an identical one before it goes on alone.'),
  maxEntries: z.number().int().min(1).default(100_000),
  maxBytes: z.number().int().min(1_024).default(1_073_741_824).describe('Sum of all entries, in bytes.'),
  maxEntryBytes: z.number().int().min(1_024).default(1_048_576).describe('Larger answers are not kept, in bytes.'),
  maxRequestBytes: z.number().int().min(1_024).default(8_388_608).describe('Larger requests are not cached, in bytes.'),
  ignoreHeaders: z
    .array(z.string().toLowerCase())
    .default([])
    .describe('Request headers of your own that do not change an answer.'),
});

export type CacheOptions = z.output<typeof cacheOptions>;
