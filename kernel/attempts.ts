import {
  GatewayError,
  isGatewayError,
  isThenable,
  type Provider,
  type Reply,
  type RetryRule,
  type Target,
} from '../plugin-sdk/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { problemExtras } from './execute/carried-stream.ts';
import type { Runtime } from './execute/context.ts';
import { executeAtProvider } from './execute/execute.ts';
import { LiveAttempt, type LiveExchange } from './exchange.ts';
import { run } from './hooks.ts';

/** Why an attempt gave no answer; `reply` holds the provider's own error body where it sent one. */
interface Failure {
  readonly error: GatewayError;
  readonly reply: Reply | undefined;
}

/** A successful reply and the attempt that it belongs to, still open until the reply is delivered. */
export interface Success {
  readonly reply: Reply;
  readonly attempt: LiveAttempt;
}

/**
 * Targets × keys × retries. The policy on the exchange is data; this loop obeys it. When all fail, the first target's
 * first failure is what the client sees: in the provider's own words if it had any, as a throw otherwise.
 */
export async function tryTargets(exchange: LiveExchange, runtime: Runtime): Promise<Success | Reply> {
  let first: Failure | undefined;
  for (const target of exchange.targets) {
    const result = await tryTarget(exchange, target, runtime);
    if ('attempt' in result) return result;
    first ??= result;
    if (ruleOf(result, exchange) === 'never' || exchange.request.body.kind === 'stream') break;
  }
  if (first === undefined) throw new GatewayError('ROUTE_NO_TARGET', { model: exchange.model ?? 'this call', reason: 'none is configured' });
  if (first.reply !== undefined) return first.reply;
  throw first.error;
}

async function tryTarget(exchange: LiveExchange, target: Target, runtime: Runtime): Promise<Success | Failure> {
  const provider = runtime.providers.get(target.provider);
  if (provider === undefined) {
    return { error: new GatewayError('ROUTE_UNKNOWN_PROVIDER', { provider: target.provider }), reply: undefined };
  }
  const triedKeys = new Set<string>();
  let retries = 0;
  let last: Failure | undefined;
  for (;;) {
    const attempt = new LiveAttempt(exchange, target, exchange.attempts.length + 1, triedKeys);
    const result = await runAttempt(attempt, provider, runtime);
    if ('attempt' in result) return result;
    // No key is left: what the last key failed with says more than that.
    if (result.error.code === 'ROUTE_NO_KEY' && last !== undefined) return last;
    last = result;
    const rule = ruleOf(result, exchange);
    if (exchange.clientGone || exchange.request.body.kind === 'stream') return result;
    if (rule === 'next-key' && attempt.chosen !== undefined && !attempt.chosen.direct) {
      triedKeys.add(attempt.chosen.name);
      continue;
    }
    if (rule !== 'same-key' && rule !== 'next-key') return result;
    const wait = backoffMs(exchange.policy.backoff, retries, result.error.retryAfterMs);
    if (retries >= exchange.policy.retries || wait === undefined) return result;
    retries += 1;
    exchange.note('kernel', 'waits before the next try', { ms: Math.round(wait) });
    await pause(wait, exchange);
  }
}

async function runAttempt(attempt: LiveAttempt, provider: Provider, runtime: Runtime): Promise<Success | Failure> {
  const { exchange } = attempt;
  const { hooks } = runtime;
  let reply: Reply | undefined;
  let error: GatewayError | undefined;
  try {
    let key = run(hooks.selectKey, attempt, exchange);
    if (isThenable(key)) key = await key;
    if (key === undefined) throw noKey(provider, attempt);
    attempt.chosen = key;
    let answer = run(hooks.execute, attempt, exchange);
    if (isThenable(answer)) answer = await answer;
    reply = answer ?? (await executeAtProvider(attempt, provider, runtime));
    if (reply.problem === undefined) return { reply, attempt };
    error = problemError(reply.problem, provider);
  } catch (cause) {
    error = isGatewayError(cause) ? cause : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
    if (error.code === 'BUG') exchange.log.error({ request: exchange.id, err: cause }, 'unexpected failure');
  }
  // Finding no further key is the end of a target, not another try.
  if (attempt.chosen === undefined && attempt.triedKeys.size > 0) return { error, reply };
  attempt.end(exchange.clientGone ? 'abandoned' : 'failed', reply?.status, error, undefined);
  exchange.note('kernel', 'attempt failed', {
    attempt: attempt.number,
    target: `${attempt.target.provider}/${attempt.target.model}`,
    key: attempt.chosen?.name ?? null,
    code: error.code,
    status: reply?.status ?? error.status,
  });
  return { error, reply };
}

function problemError(problem: NonNullable<Reply['problem']>, provider: Provider): GatewayError {
  const message = problem.message === '' ? `${provider.name} answered ${problem.status}.` : problem.message;
  return new GatewayError('UP_STATUS', { message }, problemExtras(problem));
}

function noKey(provider: Provider, attempt: LiveAttempt): GatewayError {
  const fields = { provider: provider.name, model: attempt.target.model, reason: 'no plugin chose one', advice: provider.keyAdvice };
  return new GatewayError('ROUTE_NO_KEY', fields);
}

/** Who may try again: a provider's status decides by the policy, any other failure by its own rule. */
function ruleOf(failure: Failure, exchange: LiveExchange): RetryRule {
  const { error } = failure;
  const { policy } = exchange;
  if (exchange.clientGone) return 'never';
  if (error.code !== 'UP_STATUS' && error.code !== 'UP_STREAM_ERROR') return error.retry;
  if (policy.keyStatuses.includes(error.status)) return 'next-key';
  if (policy.retryStatuses.includes(error.status)) return 'same-key';
  return policy.targetStatuses.includes(error.status) ? 'next-target' : 'never';
}
