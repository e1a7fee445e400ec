import { z } from 'zod';
import { parsePeriod } from '../period.ts';
import { Secret } from '../secret.ts';

/** The things that governance knows, as one schema each: for the config file, the admin API and its OpenAPI document. */

const id = z
  .string()
  .regex(/^[\w.-]{1,128}$/, 'use letters, digits, dot, dash and underscore')
  .describe('Stable; records and budgets belong to it.');

const period = z
  .string()
  .refine(
    (text) => parsePeriod(text) !== undefined,
    'use a number and one of s, m, h, d, w, M, Q, Y, such as 1m, 1d or 1M',
  )
  .meta({ examples: ['1m', '1h', '1d', '1w', '1M', '1Q', '1Y'], pattern: '^[1-9][0-9]{0,3}[smhdwMQY]$' })
  .describe('Length of the window: s, m (minutes), h, d, w, M (months), Q, Y.');

const calendar = z
  .boolean()
  .default(false)
  .describe('True: windows start at UTC boundaries, weeks on Monday. False: each moment looks back over the period.');

const budget = z.strictObject({
  limit: z.number().min(0).max(9_000_000).describe('USD per period.'),
  period,
  calendar,
});

const rateLimit = z
  .strictObject({
    requests: z.number().int().min(0).optional().describe('Requests per period.'),
    tokens: z.number().int().min(0).optional().describe('Tokens per period, input and output together.'),
    period,
    calendar,
  })
  .refine((limit) => limit.requests !== undefined || limit.tokens !== undefined, 'name requests, tokens or both');

const limits = {
  budgets: z.array(budget).superRefine(distinct).default([]),
  rateLimits: z.array(rateLimit).superRefine(distinct).default([]),
  concurrency: z.number().int().min(1).optional().describe('Requests that may run at once.'),
};

const patterns = z.array(z.string().min(1));

const models = {
  models: patterns
    .default(['*'])
    .describe('Models that may be used: a name, provider/name, a prefix with a trailing *, or * for all.'),
  blockedModels: patterns.default([]).describe('Models that may not be used; wins over models.'),
};

const providerGrant = z.strictObject({
  provider: z.string().min(1).describe('Instance name of a configured provider.'),
  weight: z
    .number()
    .min(0)
    .optional()
    .describe('Share of the calls whose model names no provider; absent or 0: only when named, or by the route.'),
  ...models,
  keys: z.array(z.string()).optional().describe('Names of the provider keys that may serve; all when absent.'),
  ...limits,
});

const providers = z
  .array(
    z.union([
      z
        .string()
        .min(1)
        .transform((provider) => providerGrant.parse({ provider })),
      providerGrant,
    ]),
  )
  .superRefine((grants, context) => {
    const names = grants.map(({ provider }) => provider);
    names.forEach((name, i) => {
      if (names.indexOf(name) !== i) context.addIssue({ code: 'custom', path: [i], message: `${name} is named twice` });
    });
  });

const virtualKeyShape = {
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).optional(),
  active: z.boolean().default(true),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'use a time with its zone, such as 2026-12-31T23:59:59Z' })
    .optional()
    .describe('The key is refused from then on.'),
  team: id.optional().describe('Id of the team that pays along.'),
  customer: id.optional().describe('Id of the customer that pays along; a team brings its own.'),
  providers: providers.optional().describe('Providers that may be used; all when absent, none when empty.'),
  ...models,
  keys: z.array(z.string()).optional().describe('Names of the provider keys that may serve; all when absent.'),
  ...limits,
};

const oneOwner = <T extends { team?: string | undefined; customer?: string | undefined }>(key: T): boolean =>
  key.team === undefined || key.customer === undefined;
const oneOwnerMessage = { message: 'name a team or a customer, not both', path: ['customer'] };

export const virtualKeySchema = z.strictObject(virtualKeyShape).refine(oneOwner, oneOwnerMessage);
const declaredName = z.string().min(1).max(200).optional().describe('For people; the id when absent.');

/** In the config file a virtual key has an id and the value that callers send. */
export const declaredVirtualKeySchema = z
  .strictObject({
    id,
    value: z
      .string()
      .min(1)
      .transform((value) => new Secret(value))
      .describe('What callers send; best as env.NAME.'),
    ...virtualKeyShape,
    name: declaredName,
  })
  .refine(oneOwner, oneOwnerMessage);

const teamShape = {
  name: z.string().min(1).max(200),
  customer: id.optional().describe('Id of the customer that pays along.'),
  ...limits,
};
export const teamSchema = z.strictObject(teamShape);
export const declaredTeamSchema = z.strictObject({ id, ...teamShape, name: declaredName });

const customerShape = { name: z.string().min(1).max(200), ...limits };
export const customerSchema = z.strictObject(customerShape);
export const declaredCustomerSchema = z.strictObject({ id, ...customerShape, name: declaredName });

const limitShape = {
  provider: z.string().min(1).optional().describe('Instance name of a provider; any when absent.'),
  model: z
    .string()
    .min(1)
    .optional()
    .describe('A model as the provider names it, or a prefix with a trailing *; any when absent.'),
  ...limits,
};
const named = (limit: { provider?: string | undefined; model?: string | undefined }): boolean =>
  limit.provider !== undefined || limit.model !== undefined;
export const limitSchema = z.strictObject(limitShape).refine(named, 'name a provider, a model or both');
export const declaredLimitSchema = z
  .strictObject({ id, ...limitShape })
  .refine(named, 'name a provider, a model or both');

/** A provider key added at run time; its value is stored apart and never shown again. */
export const providerKeySchema = z.strictObject({
  provider: z.string().min(1).describe('Instance name of a configured provider.'),
  name: z.string().min(1).max(200).describe('Name in records, metrics and x-bf-api-key; unique at its provider.'),
  weight: z.number().min(0).default(1),
  models: patterns.default(['*']),
  blockedModels: patterns.default([]),
  aliases: z.record(z.string(), z.string()).default({}),
  enabled: z.boolean().default(true),
});

export type VirtualKey = z.output<typeof virtualKeySchema>;
export type Team = z.output<typeof teamSchema>;
export type Customer = z.output<typeof customerSchema>;
export type Limit = z.output<typeof limitSchema>;
export type StoredProviderKey = z.output<typeof providerKeySchema>;
export type ProviderGrant = z.output<typeof providerGrant>;
/** Budgets in USD, rates and concurrency of one thing. */
export type Limits = Pick<Customer, 'budgets' | 'rateLimits' | 'concurrency'>;

/** Two windows of the same kind and length would be one account with two limits. */
function distinct(list: readonly { period: string; calendar: boolean }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  list.forEach((entry, i) => {
    const window = `${entry.period} ${entry.calendar}`;
    if (seen.has(window))
      context.addIssue({ code: 'custom', path: [i, 'period'], message: 'this period is limited twice' });
    seen.add(window);
  });
}
