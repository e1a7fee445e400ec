import {
  type Exchange,
  GatewayError,
  type Operation,
  type Provider,
  type RoutedExchange,
  type Target,
} from '../../plugin-sdk/index.ts';
import { denial, type Grant, type Subject } from './subject.ts';

/** Calls on things that a provider stores or lists: they name no model, and none is missing. */
const modelless: ReadonlySet<Operation> = new Set(['models', 'files', 'batches', 'videos', 'resources', 'realtime']);

/** Throws GatewayError AUTH_MISSING, AUTH_BLOCKED. */
export function checkSubject({ caller, virtualKey, expiresAt }: Subject, required: boolean, now: number): void {
  if (required && caller.kind !== 'virtual-key' && caller.kind !== 'token') throw new GatewayError('AUTH_MISSING', {});
  if (virtualKey?.active === false) throw new GatewayError('AUTH_BLOCKED', { reason: 'Virtual key is inactive' });
  if (expiresAt <= now) throw new GatewayError('AUTH_BLOCKED', { reason: 'Virtual key has expired' });
}

/** Throws GatewayError AUTH_HEADERS. */
export function checkHeaders({ request }: Exchange, required: readonly string[]): void {
  const missing = required.filter((name) => !request.headers.has(name));
  if (missing.length > 0) throw new GatewayError('AUTH_HEADERS', { headers: missing.join(', ') });
}

/**
 * Refuses a first target that the caller may not use and drops later ones, so that no fallback leads around a
 * restriction. Throws GatewayError AUTH_PROVIDER_BLOCKED, AUTH_MODEL_BLOCKED.
 */
export function checkTargets(subject: Subject, exchange: RoutedExchange): void {
  if (subject.virtualKey === undefined) return;
  const { targets, operation } = exchange;
  const allowed = targets.filter(({ provider, model }, place) => {
    const denied = denial(subject, provider, model);
    if (denied === undefined) return true;
    if (model === '' && modelless.has(operation) && (denied === 'model' || operation === 'models')) return true;
    if (place > 0) return false;
    throw denied === 'provider'
      ? new GatewayError('AUTH_PROVIDER_BLOCKED', { provider })
      : new GatewayError('AUTH_MODEL_BLOCKED', { model });
  });
  if (allowed.length < targets.length) exchange.setTargets(allowed);
}

/**
 * For a call whose model names no provider: chooses among the providers of the virtual key by weight; the others follow
 * as fallbacks, heaviest first. `undefined` when the virtual key leaves nothing to choose.
 */
export function weightedTargets(
  { grants, virtualKey }: Subject,
  exchange: Exchange,
  providers: ReadonlyMap<string, Provider>,
): Target[] | undefined {
  const { model, operation, route } = exchange;
  if (grants === undefined || model === undefined || modelless.has(operation)) return undefined;
  if (route.passthrough === true || exchange.request.headers.has('x-model-provider')) return undefined;
  const slash = model.indexOf('/');
  if (slash > 0 && providers.has(model.slice(0, slash))) return undefined;
  const candidates = [...grants.values()].filter(
    ({ grant: { provider, weight } }) =>
      weight > 0 &&
      serves(providers.get(provider), operation) &&
      denial({ virtualKey, grants }, provider, model) === undefined,
  );
  const first = pick(candidates);
  if (first === undefined) return undefined;
  const rest = candidates.filter((candidate) => candidate !== first).sort((a, b) => b.grant.weight - a.grant.weight);
  return [first, ...rest].map(({ grant: { provider } }) => ({ provider, model }));
}

function serves(provider: Provider | undefined, operation: Operation): boolean {
  return provider !== undefined && (provider.speaks[operation] ?? provider.speaks['*']) !== undefined;
}

function pick(candidates: readonly Grant[]): Grant | undefined {
  let at = Math.random() * candidates.reduce((sum, { grant }) => sum + grant.weight, 0);
  return candidates.find(({ grant }) => (at -= grant.weight) < 0) ?? candidates.at(-1);
}
