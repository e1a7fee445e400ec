import {
  type Exchange,
  GatewayError,
  type JsonObject,
  jsonReply,
  type ModelInfo,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { askedModel } from '../models/visible-models.ts';

/** Anthropic's own bounds of `limit`. */
const most = 1_000;

/**
 * Answers `GET /v1/models` and `GET /v1/models/{id}` in Anthropic's shape. Without `limit` the page is whole: a client
 * that looks for a name should not have to turn pages.
 */
export function answerModels(exchange: Exchange, models: readonly ModelInfo[], provider: string): Reply {
  const { request } = exchange;
  const asked = askedModel(exchange, models, provider);
  if (asked !== undefined) return jsonReply(entry(asked));
  const limit = limitOf(request.queryValue('limit'));
  const [start, end] = pageBetween(models, request.queryValue('after_id'), request.queryValue('before_id'), limit);
  const page = models.slice(start, end);
  const isBackwards = request.queryValue('before_id') !== undefined;
  return jsonReply({
    data: page.map(entry),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: isBackwards ? start > 0 : end < models.length,
  });
}

function pageBetween(
  models: readonly ModelInfo[],
  after: string | undefined,
  before: string | undefined,
  limit: number,
): readonly [start: number, end: number] {
  if (before !== undefined) {
    const end = placeOf(models, before, 'before_id');
    return [Math.max(0, end - limit), end];
  }
  const start = after === undefined ? 0 : placeOf(models, after, 'after_id') + 1;
  return [start, Math.min(start + limit, models.length)];
}

function placeOf(models: readonly ModelInfo[], id: string, param: string): number {
  const place = models.findIndex((model) => model.id === id);
  if (place < 0) throw new GatewayError('REQ_INVALID', { reason: `${param} names no model of the list.` }, { param });
  return place;
}

function limitOf(value: string | undefined): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new GatewayError(
    'REQ_INVALID',
    { reason: `limit must be a whole number from 1 to ${most}.` },
    { param: 'limit' },
  );
}

function entry({ id, created }: ModelInfo): JsonObject {
  return { type: 'model', id, display_name: id, created_at: new Date(created * 1_000).toISOString() };
}
