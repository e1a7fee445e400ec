import { modelFilterSlot } from '../../plugin-sdk/caller.ts';
import type { Exchange, Host, ModelInfo } from '../../plugin-sdk/index.ts';
import { ModelList } from './model-list.ts';

/** The models that the caller of a list may use, ids as `provider/name`. */
export type VisibleModels = (exchange: Exchange) => Promise<readonly ModelInfo[]>;

/** One for all routes of a config: each would ask every provider anew, and warn of each that is down. */
const lists = new WeakMap<Host['providers'], ModelList>();

/**
 * What the configured providers serve, as far as each caller may use it. `x-bf-model-provider` narrows it to one provider.
 * Only plugins that ran before know what the caller may use: ask last.
 */
export function visibleModels(host: Host): VisibleModels {
  const list = lists.get(host.providers) ?? new ModelList(host);
  lists.set(host.providers, list);
  return async (exchange) => {
    const asked = exchange.request.headers.get('x-bf-model-provider');
    const served = await list.read(asked === 'all' ? undefined : asked);
    const may = exchange.get(modelFilterSlot);
    return served.flatMap(({ provider, models }) =>
      models
        .filter(({ id }) => may === undefined || may(provider, id))
        .map((model) => ({ ...model, id: `${provider}/${model.id}`, ownedBy: model.ownedBy || provider })),
    );
  };
}

/** The model that a client asks for; without a provider in front it is the one of the route's own. */
export function namedModel(models: readonly ModelInfo[], id: string, defaultProvider: string): ModelInfo | undefined {
  return models.find((model) => model.id === id) ?? models.find((model) => model.id === `${defaultProvider}/${id}`);
}
