import { z } from 'zod';
import {
  bind,
  definePlugin,
  defineSlot,
  type Host,
  passesJson,
  type RoutedExchange,
  type UsedAttempt,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { type Cost, costSlot, pricesPort } from '../../plugin-sdk/ports/prices.ts';
import { recordsPort } from '../../plugin-sdk/ports/records.ts';
import { writeUsd } from '../../plugin-sdk/usd.ts';
import { bookVersion, shippedBook } from './book/index.ts';
import { PriceBook } from './book.ts';
import { createPrices } from './create-prices.ts';
import { exchangeCost } from './exchange-cost.ts';
import { Overrides, overrideSchema } from './overrides.ts';

export { createPrices } from './create-prices.ts';

const repricing = loadOnUse<typeof import('./reprice-command.ts')>(import.meta.url, './reprice-command');

/** What the header of a whole reply said, and for which attempts. */
const toldSlot = defineSlot<{ readonly attempts: readonly UsedAttempt[]; readonly cost: Cost | 'unknown' | undefined }>(
  'pricing.told',
);

export const pricingOptions = z.strictObject({
  unknown: z
    .enum(['allow', 'refuse'])
    .default('refuse')
    .describe(
      'What a caller with a budget gets for a model without a price. Callers without a budget are never refused.',
    ),
  overrides: z.array(overrideSchema).default([]).describe('Prices of your own, before those of the book.'),
  providers: z
    .record(z.string(), z.string())
    .default({})
    .describe("Which of the book's providers a provider instance is priced as, where that is not the plugin it uses."),
  book: z.boolean().default(true).describe('Use the price book that ships.'),
});

export type PricingOptions = z.output<typeof pricingOptions>;

/** Knows what calls cost: provides `port:prices` and sets the cost of every exchange. */
export default definePlugin({
  name: 'plugins/pricing',
  description: 'Prices calls by a versioned book of list prices and your own overrides.',
  options: pricingOptions,
  provides: [pricesPort.capability],
  setup(options, host) {
    const prices = pricesFrom(options, (instance) => definitionOf(host, instance));
    const reported = new Set<string>();
    return {
      ports: [bind(pricesPort, prices)],
      commands: { reprice: (args, print) => repricing().reprice(host.port(recordsPort), prices, args[0], print) },
      hooks: {
        transformResponse: {
          json: passesJson,
          stream: () => undefined,
          usage(attempts, exchange) {
            const cost = exchangeCost(exchange, { attempts, usage: undefined, origin: 'upstream' }, prices);
            exchange.set(toldSlot, { attempts, cost });
            return cost === undefined || cost === 'unknown' ? undefined : ['x-bf-cost', writeUsd(cost.nanoUsd)];
          },
        },
        postLog(exchange, outcome) {
          const told = exchange.get(toldSlot);
          const isToldStill = told !== undefined && areSame(told.attempts, outcome.attempts);
          const cost = isToldStill ? told.cost : exchangeCost(exchange, outcome, prices);
          if (cost === undefined) return;
          exchange.set(costSlot, cost);
          if (cost === 'unknown') reportOnce(exchange, host, reported);
        },
      },
    };
  },
});

/** Prices from options, for the plugin and for `bifrost-kernel reprice`. Throws RangeError for an override that cannot be read. */
export function pricesFrom(
  options: PricingOptions,
  pluginOf: (instance: string) => string | undefined,
): ReturnType<typeof createPrices> {
  const book = new PriceBook(options.book ? shippedBook : [], bookVersion);
  const known = new Map(Object.entries(options.providers));
  return createPrices({
    book,
    overrides: new Overrides(options.overrides),
    unknown: options.unknown,
    bookProvider(instance) {
      let provider = known.get(instance);
      if (provider === undefined) known.set(instance, (provider = pluginOf(instance) ?? instance));
      return provider;
    },
  });
}

/** `openai` for an instance that uses `providers/openai`, whatever the instance is called. */
function definitionOf(host: Host, instance: string): string | undefined {
  return host
    .inspect()
    .providers.find((provider) => provider.name === instance)
    ?.definition.replace(/^.*\//, '');
}

/** The same use at the same targets costs the same. */
function areSame(some: readonly UsedAttempt[], others: readonly UsedAttempt[]): boolean {
  if (some.length !== others.length) return false;
  return some.every((one, place) => {
    const other = others[place]!;
    return (
      one.usage === other.usage && one.result === other.result && one.model === other.model && one.key === other.key
    );
  });
}

const maxReported = 1_000;

function reportOnce(exchange: RoutedExchange, host: Host, reported: Set<string>): void {
  const target = exchange.targets[0];
  const name = `${target?.provider ?? ''}/${target?.model ?? exchange.model ?? ''}`;
  if (reported.has(name) || reported.size >= maxReported) return;
  reported.add(name);
  host.log.warn({ request: exchange.id, model: name }, 'the cost is unknown: add a price to plugins/pricing overrides');
}
