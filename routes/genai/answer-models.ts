import {
  type Exchange,
  GatewayError,
  type JsonObject,
  jsonReply,
  type ModelInfo,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { askedModel } from '../models/visible-models.ts';

/** Google's own bound of `pageSize`. */
const most = 1_000;

/**
 * Answers `GET /v1beta/models` and `GET /v1beta/models/{name}` in Google's shape. Without `pageSize` the page is whole: a
 * client that looks for a name should not have to turn pages.
 */
export function answerModels(exchange: Exchange, models: readonly ModelInfo[], provider: string): Reply {
  const { request } = exchange;
  const asked = askedModel(exchange, models, provider);
  if (asked !== undefined) return jsonReply(entry(asked));
  const start = whole(request.queryValue('pageToken'), 'pageToken', 0, models.length) ?? 0;
  const size = whole(request.queryValue('pageSize'), 'pageSize', 1, most) ?? models.length;
  const end = start + size;
  return jsonReply({
    models: models.slice(start, end).map(entry),
    ...(end < models.length ? { nextPageToken: `${end}` } : {}),
  });
}

function whole(text: string | undefined, param: string, least: number, greatest: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= greatest) return number;
  const reason = `${param} must be a whole number from ${least} to ${greatest}.`;
  throw new GatewayError('REQ_INVALID', { reason }, { param });
}

function entry({ id }: ModelInfo): JsonObject {
  return {
    name: `models/${id}`,
    displayName: id,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  };
}
