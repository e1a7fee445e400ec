import { GatewayError, type Provider, type Reply } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import type { LiveAttempt } from '../attempt.ts';
import { carry } from './carried.ts';
import type { Runtime } from './context.ts';

const adapted = loadOnUse<typeof import('./adapted.ts')>(import.meta.url, './adapted');
const passthrough = loadOnUse<typeof import('./passthrough.ts')>(import.meta.url, './passthrough');
const translated = loadOnUse<typeof import('./translated.ts')>(import.meta.url, './translated');

/**
 * Runs one attempt at its provider. Which way is a property that the provider declares: it speaks the client's dialect
 * (carried), it has an adapter for the operation (adapted), or it speaks another chat dialect (translated). What a provider
 * has no word for in the client's own dialect is translated, too.
 *
 * Throws GatewayError REQ_UNSUPPORTED, REQ_LOSSY, UP_*, GUARD_HOST, CLIENT_GONE.
 */
export function executeAtProvider(attempt: LiveAttempt, provider: Provider, runtime: Runtime): Promise<Reply> {
  const mayRenew = provider.unauthorized !== undefined;
  return mayRenew ? executeRenewing(attempt, provider, runtime) : executeOnce(attempt, provider, runtime);
}

/** A token may have been revoked before its time; with a fresh one the same key may serve. */
async function executeRenewing(attempt: LiveAttempt, provider: Provider, runtime: Runtime): Promise<Reply> {
  const reply = await executeOnce(attempt, provider, runtime);
  const { problem } = reply;
  if (problem?.status !== 401 && problem?.status !== 403) return reply;
  const renewed = provider.unauthorized?.(attempt.key, problem) === true;
  return renewed && attempt.exchange.request.body.kind !== 'stream' ? executeOnce(attempt, provider, runtime) : reply;
}

function executeOnce(attempt: LiveAttempt, provider: Provider, runtime: Runtime): Promise<Reply> {
  const { exchange, target } = attempt;
  const { operation, dialect } = exchange;
  if (exchange.route.passthrough === true) return passthrough().passThrough(attempt, provider, dialect, runtime);
  const model = attempt.key.model ?? target.model;
  const spoken = provider.dialectsFor?.(operation, model) ?? provider.speaks[operation] ?? provider.speaks['*'] ?? [];
  if (spoken.includes(dialect)) {
    if (provider.translates?.(exchange) === true) return translated().translate(attempt, provider, dialect, runtime);
    return carry(attempt, provider, dialect, runtime);
  }
  const adapter = provider.adapters?.[operation];
  if (adapter !== undefined) return adapted().adapt(attempt, provider, adapter, runtime);
  const translation =
    provider.translatesInto?.(operation, model, exchange) ?? spoken.find((candidate) => candidate.chat !== undefined);
  if (translation === undefined || dialect.chat === undefined) {
    throw new GatewayError('REQ_UNSUPPORTED', { provider: provider.name, operation });
  }
  return translated().translate(attempt, provider, translation, runtime);
}
