import { z } from 'zod';
import { definePlugin, fallbacksSlot, type Target } from '../../plugin-sdk/index.ts';
import { matchesPattern } from './matches-pattern.ts';
import { namedProviders } from './named-providers.ts';
import { takeFallbacks } from './take-fallbacks.ts';
import { toTarget } from './to-target.ts';

/** More targets than this only make a caller wait. */
const maxTargets = 10;

/** Names further targets for calls whose first target fails. The kernel's attempt loop tries them in order. */
export default definePlugin({
  name: 'plugins/fallbacks',
  description: "Further targets for a call: from its body's `fallbacks`, its virtual key or rules of the config.",
  options: z.strictObject({
    fromBody: z
      .boolean()
      .default(true)
      .describe(
        'Callers may name fallbacks in the body: `"fallbacks": ["provider/model"]`. False: theirs are dropped.',
      ),
    rules: z
      .array(
        z.strictObject({
          provider: z.string().optional().describe('Instance name of the first target; any when absent.'),
          models: z.array(z.string()).default(['*']).describe('Models of the first target; a trailing * for a prefix.'),
          fallbacks: z
            .array(z.string().regex(/^[^/]+\/.+$/, 'expected provider/model'))
            .describe('Tried in order; `provider/*` keeps the model.'),
        }),
      )
      .default([]),
  }),
  after: ['identity', 'plugins/model-router'],
  namesProviders: ({ rules }) => namedProviders(rules),
  setup({ fromBody, rules }, host) {
    const ofRules = ({ provider, model }: Target): readonly string[] =>
      rules.find(
        (rule) =>
          (rule.provider ?? provider) === provider && rule.models.some((pattern) => matchesPattern(pattern, model)),
      )?.fallbacks ?? [];
    return {
      hooks: {
        transformRequest(request, exchange) {
          const { targets, route } = exchange;
          const [first] = targets;
          if (route.passthrough === true || first === undefined) return undefined;
          const taken = takeFallbacks(request, exchange);
          const asked = fromBody ? taken?.fallbacks : undefined;
          const named = asked ?? exchange.get(fallbacksSlot) ?? ofRules(first);
          if (named.length > 0) {
            const further = named.map((name, i) => toTarget(name, first, host.providers, `fallbacks[${i}]`));
            const all = [...targets, ...further.filter((target) => !targets.some((known) => isSame(known, target)))];
            exchange.setTargets(all.slice(0, maxTargets));
          }
          return taken?.request;
        },
      },
    };
  },
});

function isSame(a: Target, b: Target): boolean {
  return a.provider === b.provider && a.model === b.model && a.key === b.key;
}
