import { isObject, type JsonObject, type ModelInfo } from '../../plugin-sdk/index.ts';

/** Anthropic's model list: `{data: [{id, created_at: RFC 3339, display_name}]}`. */
export function readModels({ data }: JsonObject): ModelInfo[] {
  if (!Array.isArray(data)) return [];
  return data.flatMap((model) => {
    if (!isObject(model) || typeof model['id'] !== 'string') return [];
    const created = Date.parse(String(model['created_at']));
    return [
      { id: model['id'], created: Number.isNaN(created) ? 0 : Math.floor(created / 1_000), ownedBy: 'anthropic' },
    ];
  });
}
