import type { ProviderMention } from '../../plugin-sdk/index.ts';
import type { ModelRouterOptions, TargetOption } from './options.ts';

type Path = readonly (string | number)[];

/** The providers of aliases and targets. A text may be a model whose name has a slash, which the default provider serves. */
export function* namedProviders({ aliases, models, rules }: ModelRouterOptions): Generator<ProviderMention> {
  const virtual = new Set(Object.keys(models).map((model) => model.toLowerCase()));
  for (const [alias, model] of Object.entries(aliases))
    if (!virtual.has(model.toLowerCase())) yield* inText(model, ['aliases', alias]);
  for (const [model, { targets }] of Object.entries(models)) yield* inTargets(targets, ['models', model, 'targets']);
  for (const [i, { targets }] of rules.entries()) yield* inTargets(targets, ['rules', i, 'targets']);
}

function* inTargets(targets: readonly TargetOption[], path: Path): Generator<ProviderMention> {
  for (const [i, target] of targets.entries()) {
    if (typeof target === 'string') yield* inText(target, [...path, i]);
    else yield { provider: target.provider, path: [...path, i, 'provider'] };
  }
}

function* inText(text: string, path: Path): Generator<ProviderMention> {
  const slash = text.indexOf('/');
  if (slash > 0 && slash < text.length - 1) yield { provider: text.slice(0, slash), path, maybe: true };
}
