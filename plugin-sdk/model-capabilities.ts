import { z } from 'zod';

type Bag = Readonly<Record<string, unknown>>;

/** The option with which an operator corrects what a provider knows about its models. */
export const capabilitiesOption = z
  .record(z.string(), z.record(z.string(), z.unknown()))
  .default({})
  .describe(
    'What models can do where the built-in data is wrong: model name (a trailing `*` for a prefix) to properties.',
  );

/** The option with which an operator corrects what a host of Claude is known to have. */
export const betasOption = z
  .record(z.string(), z.union([z.string(), z.literal(false)]))
  .default({})
  .describe(
    "Beta features of Claude's where the built-in data is wrong: its name to the name here, or false for none.",
  );

/**
 * The `capabilities` of a provider: what holds for all its models, then the operator's corrections of every pattern that
 * matches the model, later ones over earlier ones.
 */
export function capabilitiesByModel(common: Bag, corrections: Readonly<Record<string, Bag>>): (model: string) => Bag {
  const rules = Object.entries(corrections);
  if (rules.length === 0) return () => common;
  return (model) => {
    const matching = rules.filter(([pattern]) => matches(pattern, model)).map(([, properties]) => properties);
    return matching.length === 0 ? common : Object.assign({}, common, ...matching);
  };
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}
