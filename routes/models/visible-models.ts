import { modelFilterSlot } from '../../plugin-sdk/caller.ts';
import { type Exchange, GatewayError, type Host, type ModelInfo } from '../../plugin-sdk/index.ts';
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

const ofOne = '/models/';

/**
 * The model that `GET /models/{id}` asks for; undefined where the whole list is asked for. Without a provider in front it is
 * the one of the route's own. Throws GatewayError ROUTE_UNKNOWN_MODEL.
 */
export function askedModel(
  { request: { path } }: Exchange,
  models: readonly ModelInfo[],
  defaultProvider: string,
): ModelInfo | undefined {
  if (!path.startsWith(ofOne)) return undefined;
  const id = decodeURIComponent(path.slice(ofOne.length));
  const found =
    models.find((model) => model.id === id) ?? models.find((model) => model.id === `${defaultProvider}/${id}`);
  if (found === undefined) throw new GatewayError('ROUTE_UNKNOWN_MODEL', { model: id }, { param: 'model' });
  return found;
}
