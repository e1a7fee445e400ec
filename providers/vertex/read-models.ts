import { isObject, type JsonObject, type ModelInfo } from '../../plugin-sdk/index.ts';

/** Models of the publishers whose formats are spoken: `{publisherModels: [{name: "publishers/google/models/…"}]}`. */
export async function readModels(get: (path: string) => Promise<JsonObject>): Promise<ModelInfo[]> {
  const google = get('/v1beta1/publishers/google/models?pageSize=500');
  // Not every project may see another maker's models; its own list is enough then.
  const anthropic = get('/v1beta1/publishers/anthropic/models?pageSize=500').catch((): JsonObject => ({}));
  return [...read(await google, 'google'), ...read(await anthropic, 'anthropic')];
}

function read({ publisherModels: models }: JsonObject, ownedBy: string): ModelInfo[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model) => {
    const name = isObject(model) ? model['name'] : undefined;
    return typeof name === 'string' ? [{ id: name.slice(name.lastIndexOf('/') + 1), created: 0, ownedBy }] : [];
  });
}
