import type { GatewayRequest } from '../../plugin-sdk/index.ts';
import { hasVersion, withoutVersion, withVersion } from './query.ts';

/** Resources that Azure serves under /openai/v1 only. */
const moved = /^\/openai\/(?=(?:responses|videos)(?:\/|$))/;
const responsesPath = /^\/openai\/v1\/responses(?:\/|$)/;
/** These know no api-version. */
const versionless = /^\/(?:openai\/v1\/videos|anthropic)(?:\/|$)/;

/** Where a call lies on Azure, and its query, but for the version of a deployment. */
export function placeOnAzure(
  { path, query }: GatewayRequest,
  responsesVersion: string | undefined,
): { readonly path: string; readonly query: string } {
  const placed = path.replace(moved, '/openai/v1/');
  if (versionless.test(placed)) return { path: placed, query: withoutVersion(query) };
  const isOpen = responsesPath.test(placed) && responsesVersion !== undefined && !hasVersion(query);
  return { path: placed, query: isOpen ? withVersion(query, responsesVersion) : query };
}
