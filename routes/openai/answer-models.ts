import { modelFilterSlot } from '../../plugin-sdk/caller.ts';
import {
  type Exchange,
  GatewayError,
  type JsonObject,
  jsonReply,
  type ModelInfo,
  type Reply,
} from '../../plugin-sdk/index.ts';
import type { ModelList } from './model-list.ts';

/**
 * Answers `GET /models` and `GET /models/{id}` in OpenAI's shape, ids as `provider/name`, as far as the caller may use
 * them. `x-bf-model-provider` narrows the list to one provider. Throws GatewayError ROUTE_UNKNOWN_MODEL.
 */
export async function answerModels(exchange: Exchange, list: ModelList, defaultProvider: string): Promise<Reply> {
  const { path, headers } = exchange.request;
  const asked = headers.get('x-bf-model-provider');
  const lists = await list.read(asked === 'all' ? undefined : asked);
  const may = exchange.get(modelFilterSlot);
  const data = lists.flatMap(({ provider, models }) =>
    models.filter(({ id }) => may === undefined || may(provider, id)).map((model) => entry(provider, model)),
  );
  if (path === '/models') return jsonReply({ object: 'list', data });
  const id = decodeURIComponent(path.slice('/models/'.length));
  const found =
    data.find((model) => model['id'] === id) ?? data.find((model) => model['id'] === `${defaultProvider}/${id}`);
  if (found === undefined) throw new GatewayError('ROUTE_UNKNOWN_MODEL', { model: id }, { param: 'model' });
  return jsonReply(found);
}

function entry(provider: string, { id, created, ownedBy }: ModelInfo): JsonObject {
  return { id: `${provider}/${id}`, object: 'model', created, owned_by: ownedBy || provider };
}
