import {
  type Exchange,
  GatewayError,
  type Operation,
  type Provider,
  type RoutedExchange,
  type Target,
} from '../../plugin-sdk/index.ts';
import { denial, type Subject } from './subject.ts';

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

export interface Choice {
  readonly target: Target;
  /** `provider/model` of the others, heaviest first. */
  readonly fallbacks: readonly string[];
}

/**
 * For a call whose model names no provider: chooses among the weighted providers of the virtual key that have the model;
 * the others are its fallbacks. `undefined` when the virtual key leaves nothing to choose.
 *
 * A provider has a model that its grant names, or that `isKnown` finds in its price list.
 */
export function chooseProvider(
  { grants, virtualKey }: Subject,
  exchange: Exchange,
  providers: ReadonlyMap<string, Provider>,
  isKnown: (provider: string, model: string) => boolean,
): Choice | undefined {
  const { model, operation, route } = exchange;
  if (grants === undefined || model === undefined || modelless.has(operation)) return undefined;
  if (route.passthrough === true || exchange.request.headers.has('x-model-provider')) return undefined;
  const slash = model.indexOf('/');
  if (slash > 0 && providers.has(model.slice(0, slash))) return undefined;
  const candidates: Candidate[] = [];
  for (const { grant } of grants.values()) {
    const { provider, weight = 0, models } = grant;
    if (weight === 0 || !serves(providers.get(provider), operation)) continue;
    if (denial({ virtualKey, grants }, provider, model) !== undefined) continue;
    if (!models.includes('*') || isKnown(provider, model)) candidates.push({ provider, weight });
  }
  const first = pick(candidates);
  if (first === undefined) return undefined;
  const rest = candidates.filter((candidate) => candidate !== first).sort((a, b) => b.weight - a.weight);
  return {
    target: { provider: first.provider, model },
    fallbacks: rest.map(({ provider }) => `${provider}/${model}`),
  };
}

interface Candidate {
  readonly provider: string;
  readonly weight: number;
}

function serves(provider: Provider | undefined, operation: Operation): boolean {
  return provider !== undefined && (provider.speaks[operation] ?? provider.speaks['*']) !== undefined;
}

function pick(candidates: readonly Candidate[]): Candidate | undefined {
  let at = Math.random() * candidates.reduce((sum, { weight }) => sum + weight, 0);
  return candidates.find(({ weight }) => (at -= weight) < 0) ?? candidates.at(-1);
}
