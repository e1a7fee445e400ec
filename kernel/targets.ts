import type { Provider, Target } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/**
 * Where an exchange goes when no plugin has decided: `provider/model` splits at the first `/` only when the left side is
 * a configured provider; otherwise the whole is the model, and the route's default provider serves it. A call without a
 * model may name its provider in `x-model-provider`.
 */
export function targetOfModel(exchange: LiveExchange, providers: ReadonlyMap<string, Provider>): Target {
  const fallback = exchange.request.headers.get('x-model-provider') ?? exchange.defaultProvider;
  const { model, route } = exchange;
  if (model === undefined) return { provider: fallback, model: '' };
  // Passthrough speaks the format of one provider: a slash in a model's name is part of it.
  if (route.passthrough === true) return { provider: fallback, model };
  const slash = model.indexOf('/');
  if (slash > 0 && providers.has(model.slice(0, slash)))
    return { provider: model.slice(0, slash), model: model.slice(slash + 1) };
  return { provider: fallback, model };
}
