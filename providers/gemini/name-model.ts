import { type BodyEditor, type Call, isObject, type JsonObject } from '../../plugin-sdk/index.ts';

/** Google wants what a body says of its model to be the name in the path; a client may have named it in the gateway's words. */
export function nameModel({ model }: Call, body: BodyEditor): void {
  const name = model.includes('/') ? model : `models/${model}`;
  if (body.get('model') !== undefined && body.get('model') !== name) body.set('model', name);
  const requests = body.get('requests');
  if (Array.isArray(requests) && requests.some((one) => isNamedOther(one, name)))
    body.set(
      'requests',
      requests.map((one: JsonObject) => (isNamedOther(one, name) ? { ...one, model: name } : one)),
    );
  const counted = body.get('generateContentRequest');
  if (isNamedOther(counted, name)) body.set('generateContentRequest', { ...(counted as JsonObject), model: name });
}

function isNamedOther(request: unknown, name: string): boolean {
  return isObject(request) && request['model'] !== undefined && request['model'] !== name;
}
