import {
  type Exchange,
  GatewayError,
  type JsonObject,
  jsonReply,
  type ModelInfo,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { namedModel } from '../models/visible-models.ts';

/** Answers `GET /models` and `GET /models/{id}` in OpenAI's shape. Throws GatewayError ROUTE_UNKNOWN_MODEL. */
export function answerModels({ request }: Exchange, models: readonly ModelInfo[], provider: string): Reply {
  const { path } = request;
  if (path === '/models') return jsonReply({ object: 'list', data: models.map(entry) });
  const id = decodeURIComponent(path.slice('/models/'.length));
  const found = namedModel(models, id, provider);
  if (found === undefined) throw new GatewayError('ROUTE_UNKNOWN_MODEL', { model: id }, { param: 'model' });
  return jsonReply(entry(found));
}

function entry({ id, created, ownedBy }: ModelInfo): JsonObject {
  return { id, object: 'model', created, owned_by: ownedBy };
}
