import { type Exchange, type JsonObject, jsonReply, type ModelInfo, type Reply } from '../../plugin-sdk/index.ts';
import { askedModel } from '../models/visible-models.ts';

/** Answers `GET /models` and `GET /models/{id}` in OpenAI's shape. Throws GatewayError ROUTE_UNKNOWN_MODEL. */
export function answerModels(exchange: Exchange, models: readonly ModelInfo[], provider: string): Reply {
  const asked = askedModel(exchange, models, provider);
  return jsonReply(asked === undefined ? { object: 'list', data: models.map(entry) } : entry(asked));
}

function entry({ id, created, ownedBy }: ModelInfo): JsonObject {
  return { id, object: 'model', created, owned_by: ownedBy };
}
