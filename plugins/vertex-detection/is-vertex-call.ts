import type { GatewayRequest } from '../../plugin-sdk/index.ts';

/** A project and location, a publisher's models (what the SDK sends with an API key alone), or Vertex's Live service. */
const vertexPath =
  /\/projects\/[^/]+\/locations\/[^/]+(?:\/|$)|\/publishers\/[^/]+\/models(?:\/|$)|\/ws\/google\.cloud\.aiplatform\./;
const vertexModel = /(?:^|\/)projects\/[^/]+\/locations\/[^/]+/;
/** Google's OAuth access tokens; the Gemini API is called with keys. */
const accessToken = /^Bearer\s+ya29\./i;

/** True when a call's path, model or credential is of the kind that only Vertex AI takes (wire facts 4.1). */
export function isVertexCall({ path, headers, body }: GatewayRequest): boolean {
  if (vertexPath.test(path) || accessToken.test(headers.get('authorization') ?? '')) return true;
  try {
    const model = body.member('model');
    return typeof model === 'string' && vertexModel.test(model);
  } catch {
    // A body that cannot be read names no model.
    return false;
  }
}
