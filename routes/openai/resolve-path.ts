import { openai, openaiChat, openaiCompletions, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import {
  type Dialect,
  GatewayError,
  type Operation,
  type Provider,
  type RequestHeaders,
  type ResolvedPath,
} from '../../plugin-sdk/index.ts';
import { decodeSegment, partDeployment } from './azure-paths.ts';
import { matchEndpoint } from './match-endpoint.ts';

const azure = 'azure';
const deployments = '/deployments/';
const models = '/models/';

/**
 * Reads an OpenAI path beneath a mount: with or without `/v1`, plain or as the AzureOpenAI client builds it, whose base
 * URL adds an `/openai` of its own. The path's deployment beats the body's model.
 *
 * Throws GatewayError REQ_BAD_PATH, REQ_METHOD, REQ_UNKNOWN_ENDPOINT.
 */
export function resolvePath(
  mount: string,
  url: string,
  method: string,
  headers: RequestHeaders,
  providers: ReadonlyMap<string, Provider>,
): ResolvedPath {
  const path = withoutVersion(url.slice(mount.length));
  refuseTricks(path);
  if (path.startsWith(deployments))
    return resolveDeployment(mount, path.slice(deployments.length), url, method, providers);
  if (path.startsWith(models) && method !== 'GET')
    return resolveModel(mount, path.slice(models.length), url, method, providers);
  const isAzure = headers.get('user-agent')?.includes('AzureOpenAI') === true && providers.has(azure);
  const resolved = resolveEndpoint(mount, path, url, method);
  return isAzure ? { ...resolved, defaultProvider: azure } : resolved;
}

/** Cuts `/v1`, `/openai`, `/openai/v1` and `/v1/openai` off the front. */
function withoutVersion(path: string): string {
  let rest = cut(path, '/v1');
  const doubled = cut(rest, '/openai');
  if (doubled !== rest) rest = cut(doubled, '/v1');
  return rest;
}

function cut(path: string, prefix: string): string {
  return path.startsWith(prefix) && path[prefix.length] === '/' ? path.slice(prefix.length) : path;
}

function resolveEndpoint(mount: string, path: string, url: string, method: string): ResolvedPath {
  const operation = matchEndpoint(method, path);
  if (operation === undefined) throw unknown(mount, url, method);
  return { path, operation, dialect: dialectOf(operation) };
}

function unknown(mount: string, url: string, method: string): GatewayError {
  const advice = `Beneath ${mount} are the paths of OpenAI's API, such as ${mount}/v1/chat/completions.`;
  return new GatewayError('REQ_UNKNOWN_ENDPOINT', { method, path: url, advice });
}

/** A plain deployment is Azure's; `provider/model` names its provider itself, configured or not. */
function resolveDeployment(
  mount: string,
  rest: string,
  url: string,
  method: string,
  providers: ReadonlyMap<string, Provider>,
): ResolvedPath {
  const parted = partDeployment(rest);
  if (parted === undefined) throw unknown(mount, url, method);
  const { model, path } = parted;
  const slash = model.indexOf('/');
  const named = slash > 0 ? model.slice(0, slash) : azure;
  return { ...resolveEndpoint(mount, path, url, method), model, defaultProvider: providers.has(named) ? azure : named };
}

/** A model's id may have its provider in front, which that provider does not know. Lists are the gateway's own and keep it. */
function resolveModel(
  mount: string,
  id: string,
  url: string,
  method: string,
  providers: ReadonlyMap<string, Provider>,
): ResolvedPath {
  const [named = '', ...rest] = id.replace(/%2f/gi, '/').split('/');
  if (rest.length === 0 || !providers.has(named)) return resolveEndpoint(mount, models + id, url, method);
  return { ...resolveEndpoint(mount, models + rest.join('%2F'), url, method), defaultProvider: named };
}

function dialectOf(operation: Operation): Dialect {
  if (operation === 'chat') return openaiChat;
  if (operation === 'completions') return openaiCompletions;
  return operation === 'responses' ? openaiResponses : openai;
}

/** Segments that another server could read as a step elsewhere are refused, however they are written. */
function refuseTricks(path: string): void {
  if (!/%|\\|\/\/|\/\.\.?(\/|$)/.test(path)) return;
  const parts = path.split('/').flatMap((segment) => decodeSegment(segment).split(/[/\\]/));
  if (parts.slice(1).some((part) => part === '' || part === '.' || part === '..' || hasControl(part))) {
    throw new GatewayError('REQ_BAD_PATH', { reason: 'it has empty or relative segments' });
  }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true;
  return false;
}
