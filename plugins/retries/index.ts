import { z } from 'zod';
import { definePlugin, providersAsKeys } from '../../plugin-sdk/index.ts';
import { RetryBudget } from './retry-budget.ts';

const statuses = z.array(z.number().int().min(400).max(599));

const rule = z.strictObject({
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('Further tries at one target; other keys are tried besides, whatever this says.'),
  statuses: statuses.optional().describe('HTTP statuses worth another try; failures of the network always are.'),
  initialMs: z.number().int().min(0).optional().describe('Wait before the first retry; doubles with each.'),
  maxMs: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Longest wait. A provider that asks for a longer one is not waited for.'),
  jitter: z.number().min(0).max(1).optional().describe('Share of the wait that is random.'),
  budget: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Most retries as a share of the calls to one provider; 1 for no bound.'),
});
type Rule = z.output<typeof rule>;

const defaults = {
  retries: 2,
  statuses: [408, 409, 429, 500, 502, 503, 504, 529],
  initialMs: 500,
  maxMs: 8_000,
  jitter: 0.25,
  budget: 0.2,
};

/** Repeats calls that failed for a passing reason. The kernel's attempt loop does it; this plugin says how often. */
export default definePlugin({
  name: 'plugins/retries',
  description: 'Repeats failed calls with growing, jittered waits, within a budget per provider.',
  options: z.strictObject({
    ...rule.shape,
    providers: z.record(z.string(), rule).default({}).describe('Other rules for a provider, by instance name.'),
  }),
  namesProviders: providersAsKeys,
  setup({ providers, ...base }) {
    const rules = new Map<string, ReturnType<typeof resolve>>();
    const ruleOf = (provider: string) => {
      let known = rules.get(provider);
      if (known === undefined) rules.set(provider, (known = resolve({ ...base, ...present(providers[provider]) })));
      return known;
    };
    return {
      hooks: {
        selectKey: {
          order: 'pre',
          handler({ exchange: { policy }, target, reason }) {
            const { retries, backoff, statuses, budget } = ruleOf(target.provider);
            if (reason === 'first') budget.earn();
            else if (reason === 'retry') budget.spend();
            policy.retries = budget.isLeft ? retries : 0;
            policy.retryStatuses = statuses;
            Object.assign(policy.backoff, backoff);
          },
        },
      },
    };
  },
});

function resolve(given: Rule) {
  const { retries, statuses, budget, ...backoff } = { ...defaults, ...present(given) };
  return { retries, statuses, backoff, budget: new RetryBudget(budget) };
}

function present(given: Rule | undefined): Partial<typeof defaults> {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
}
