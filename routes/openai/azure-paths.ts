import { GatewayError } from '../../plugin-sdk/index.ts';
import { isEndpoint } from './match-endpoint.ts';

/** What follows `/deployments/` in an Azure-style path. */
export interface DeploymentPath {
  /** The deployment, decoded: `gpt-4o`, or `provider/model`. */
  readonly model: string;
  /** The endpoint behind it, such as `/chat/completions`. */
  readonly path: string;
}

/** Where a deployment's endpoint may start; without this list a model named like a resource would be cut in two. */
const firstWords = new Set([
  'chat',
  'audio',
  'images',
  'completions',
  'embeddings',
  'responses',
  'batches',
  'moderations',
]);

/**
 * Parts a path such as `gpt-4o/chat/completions`, `openai/gpt-4o/chat/completions` or `openai%2Fgpt-4o/chat/completions`
 * where the known endpoint begins: some clients encode the slash in a name, some do not.
 * Throws GatewayError REQ_BAD_PATH; gives undefined when no endpoint is in it.
 */
export function partDeployment(rest: string): DeploymentPath | undefined {
  const segments = rest.split('/');
  if (isDeploymentEndpoint(segments, 0))
    throw new GatewayError('REQ_BAD_PATH', { reason: 'the deployment id is missing' });
  const start = segments.findIndex((_, i) => i > 0 && isDeploymentEndpoint(segments, i));
  if (start < 0) return undefined;
  const model = segments.slice(0, start).map(decodeSegment).join('/');
  return { model, path: `/${segments.slice(start).join('/')}` };
}

function isDeploymentEndpoint(segments: readonly string[], from: number): boolean {
  return firstWords.has(segments[from]!) && isEndpoint(`/${segments.slice(from).join('/')}`);
}

/** Throws GatewayError REQ_BAD_PATH when the percent-encoding is broken. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new GatewayError('REQ_BAD_PATH', { reason: 'its percent-encoding is broken' });
  }
}
