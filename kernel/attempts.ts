import { GatewayError, type Reply, type RetryRule, type Target } from '../plugin-sdk/index.ts';
import { LiveAttempt } from './attempt.ts';
import { backoffMs, pause } from './backoff.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { runHedged } from './hedge.ts';
import type { Failure, Success } from './run-attempt.ts';

const noKeys: ReadonlySet<string> = new Set();

/**
 * Targets × keys × retries. The policy on the exchange is data; this loop obeys it. When all fail, the first target's
 * last failure is what the client sees: in the provider's own words if it had any, as a throw otherwise.
 */
export async function tryTargets(exchange: LiveExchange, runtime: Runtime): Promise<Success | Reply> {
  let first: Failure | undefined;
  for (const target of exchange.targets) {
    const result = await tryTarget(exchange, target, runtime);
    if ('attempt' in result) return result;
    first ??= result;
    if (exchange.stopped !== undefined) throw exchange.stopped;
    if (ruleOf(result, exchange) === 'never' || exchange.request.body.kind === 'stream') break;
  }
  if (first === undefined)
    throw new GatewayError('ROUTE_NO_TARGET', { model: exchange.model ?? 'this call', reason: 'none is configured' });
  if (first.reply !== undefined) return first.reply;
  throw first.error;
}

async function tryTarget(exchange: LiveExchange, target: Target, runtime: Runtime): Promise<Success | Failure> {
  const provider = runtime.providers.get(target.provider);
  if (provider === undefined) {
    return { error: new GatewayError('ROUTE_UNKNOWN_PROVIDER', { provider: target.provider }), reply: undefined };
  }
  let attempt = new LiveAttempt(exchange, target, exchange.attempts.length + 1, noKeys, 'first');
  let retries = 0;
  let last: Failure | undefined;
  for (;;) {
    const result = await runHedged(attempt, provider, runtime);
    if ('attempt' in result) return result;
    if (exchange.stopped !== undefined || exchange.request.body.kind === 'stream') return result;
    const next = nextTry(attempt, result, exchange);
    // No key is left: what the last key failed with says more than that.
    if (result.error.code !== 'ROUTE_NO_KEY' || last === undefined) last = result;
    if (next === 'next-key') {
      const tried = new Set(attempt.triedKeys).add(attempt.key.name);
      attempt = new LiveAttempt(exchange, target, exchange.attempts.length + 1, tried, 'next-key');
      continue;
    }
    if (next !== 'same-key' || retries >= exchange.policy.retries) return last;
    const wait = backoffMs(exchange.policy.backoff, retries, result.error.retryAfterMs);
    if (wait === undefined) return last;
    retries += 1;
    exchange.note('kernel', 'waits before the next try', { ms: Math.round(wait) });
    await pause(wait, exchange);
    if (exchange.stopped !== undefined) return last;
    // After a wait every key may have another go; those that may not are known to whoever selects.
    attempt = new LiveAttempt(exchange, target, exchange.attempts.length + 1, noKeys, 'retry');
  }
}

/** Another key at once, the same target after a wait (`same-key`), or neither. */
function nextTry(attempt: LiveAttempt, failure: Failure, exchange: LiveExchange): RetryRule {
  const { error } = failure;
  // Keys that rest for a while serve again: worth a wait, within the same bounds as any other.
  if (error.code === 'ROUTE_NO_KEY') return error.retryAfterMs === undefined ? 'never' : 'same-key';
  const rule = ruleOf(failure, exchange);
  if (rule !== 'next-key') return rule;
  const { chosen } = attempt;
  // Whoever selects may insist on a key, tried or not; only a wait changes anything for it.
  const mayChange = chosen !== undefined && chosen.direct !== true && !attempt.triedKeys.has(chosen.name);
  if (mayChange) return 'next-key';
  return exchange.policy.retryStatuses.includes(error.status) ? 'same-key' : 'never';
}

/** Who may try again: a provider's status decides by the policy, any other failure by its own rule. */
function ruleOf(failure: Failure, exchange: LiveExchange): RetryRule {
  const { error } = failure;
  const { policy } = exchange;
  if (exchange.stopped !== undefined) return 'never';
  if (error.code !== 'UP_STATUS' && error.code !== 'UP_STREAM_ERROR') return error.retry;
  if (policy.keyStatuses.includes(error.status)) return 'next-key';
  if (policy.retryStatuses.includes(error.status)) return 'same-key';
  return policy.targetStatuses.includes(error.status) ? 'next-target' : 'never';
}
