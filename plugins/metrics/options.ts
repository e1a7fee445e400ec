import { z } from 'zod';

export const metricsOptions = z.strictObject({
  path: z.string().startsWith('/', 'use a path such as /metrics').default('/metrics'),
  guard: z
    .enum(['admin', 'public'])
    .default('admin')
    .describe('`admin`: scraped with an admin token as bearer token. `public`: anyone who reaches the port may read.'),
  maxModels: z
    .int()
    .min(2)
    .default(200)
    .describe('Model names that get series of their own; the rest is counted as `other`.'),
  accounts: z
    .int()
    .min(0)
    .default(200)
    .describe('Budgets and limits that are shown with how full they are; each is one series.'),
});
