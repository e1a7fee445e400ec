import { definePlugin, type Exchange, type Target } from '../../plugin-sdk/index.ts';
import { ModelCatalogue } from './model-catalogue.ts';
import { namedProviders } from './named-providers.ts';
import { type ModelRouterOptions, modelRouterOptions } from './options.ts';
import { compileCondition, factsOf } from './rule-language.ts';
import { orderTargets, prepareTarget, splitModel } from './targets.ts';

const name = 'plugins/model-router';

/** Decides which providers and models serve a call: by rules, aliases, virtual models, and what each provider has. */
export default definePlugin({
  name,
  description: 'Aliases, virtual models, rules in CEL and a catalogue for bare model names.',
  options: modelRouterOptions,
  after: ['identity', 'port:prices'],
  namesProviders: namedProviders,
  async setup(options, host) {
    const catalogue = options.catalogue ? new ModelCatalogue(host) : undefined;
    const aliases = new Map(Object.entries(options.aliases).map(([alias, model]) => [alias.toLowerCase(), model]));
    const models = new Map(Object.entries(options.models).map(([model, choice]) => [model.toLowerCase(), choice]));
    const rules = await Promise.all(
      options.rules.map(async (rule) => {
        const onFailure = (reason: string): void =>
          host.log.warn({ rule: rule.name, reason }, 'a rule could not be evaluated');
        return { ...rule, holds: await compile(rule, onFailure) };
      }),
    );

    const targetsOf = (
      choice: Pick<ModelRouterOptions['rules'][number], 'targets' | 'strategy'>,
      model: string,
      standard: string,
    ): Target[] =>
      orderTargets(
        choice.targets.map((target) => prepareTarget(target, standard, host.providers)),
        choice.strategy,
        model,
      );

    const route = (exchange: Exchange): readonly Target[] | undefined => {
      const standard = exchange.request.headers.get('x-model-provider') ?? exchange.defaultProvider;
      const asked = exchange.model ?? '';
      const known = splitModel(asked, host.providers);
      const model = known?.model ?? asked;
      if (rules.length > 0) {
        const facts = factsOf(exchange, model, known?.provider ?? standard);
        const rule = rules.find(({ holds }) => holds(facts));
        if (rule !== undefined) {
          exchange.note(name, 'a rule decided', { rule: rule.name });
          return targetsOf(rule, model, standard);
        }
      }
      if (asked === '') return undefined;
      const aliased = aliases.get(asked.toLowerCase());
      const meant = aliased ?? asked;
      const virtual = models.get(meant.toLowerCase());
      if (virtual !== undefined) return targetsOf(virtual, meant, standard);
      const named = splitModel(meant, host.providers);
      if (named !== undefined) return aliased === undefined ? undefined : [named];
      // Whoever chose among providers before knows the caller; only what was named outright goes before that.
      const isOpen = (exchange.targets?.length ?? 0) === 0 && !exchange.request.headers.has('x-model-provider');
      const found = isOpen ? catalogue?.find(meant, standard, exchange) : undefined;
      if (found !== undefined) {
        exchange.note(name, 'the catalogue decided', { provider: found.provider });
        return [found];
      }
      return aliased === undefined ? undefined : [{ provider: standard, model: meant }];
    };

    return {
      hooks: {
        preRoute(exchange) {
          if (exchange.route.passthrough === true) return;
          const targets = route(exchange);
          if (targets !== undefined) exchange.setTargets(targets);
        },
      },
    };
  },
});

/** Throws Error naming the rule. */
async function compile({ name: rule, when }: ModelRouterOptions['rules'][number], onFailure: (reason: string) => void) {
  try {
    return await compileCondition(when, (cause) => onFailure(cause.message.split('\n', 1)[0]!));
  } catch (cause) {
    throw new Error(`the condition of the rule ${rule} is wrong: ${(cause as Error).message}`);
  }
}
