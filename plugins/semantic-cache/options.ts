import { z } from 'zod';

const share = z.number().min(0).max(1);

export const semanticCacheOptions = z.strictObject({
  model: z
    .string()
    .min(1)
    .default('openai/text-embedding-3-small')
    .describe('What makes the embeddings, as a client would name it.'),
  url: z.string().startsWith('/').default('/openai/v1/embeddings').describe('Endpoint of this gateway that serves it.'),
  dimensions: z.number().int().min(2).max(8_192).optional().describe('Asked of the model; its own choice when absent.'),
  threshold: share.default(0.9).describe('Least cosine similarity of two questions with one answer.'),
  timeLimitMs: z
    .number()
    .int()
    .min(1)
    .default(500)
    .describe('How long a request waits for a look-up before it goes on without.'),
  historyThreshold: z
    .number()
    .int()
    .min(0)
    .default(3)
    .describe('Longer conversations are left out: messages before the last, system prompts not counted.'),
  history: z
    .enum(['exact', 'embedded'])
    .default('exact')
    .describe('Whether earlier messages must be the same, or are compared by meaning together with the last.'),
  systemPrompt: z
    .enum(['exact', 'embedded', 'ignored'])
    .default('exact')
    .describe('The same for system prompts; or leave them out.'),
  exactNumbers: z.boolean().default(true).describe('Two questions with different numbers in them are never alike.'),
  byModel: z.boolean().default(true).describe('Only answers of the same model.'),
  byProvider: z.boolean().default(true).describe('Only answers of the same provider.'),
  maxTextLength: z.number().int().min(1).default(8_000).describe('Longer questions are left out, in characters.'),
  maxVectors: z
    .number()
    .int()
    .min(1_000)
    .default(200_000)
    .describe('Vectors that a process keeps in memory; partitions that rest longest go first.'),
});

export type SemanticCacheOptions = z.output<typeof semanticCacheOptions>;
