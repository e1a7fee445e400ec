import { GatewayError, isGatewayError, isThenable, type Provider, type Reply } from '../plugin-sdk/index.ts';
import type { LiveAttempt } from './attempt.ts';
import { discard } from './discard.ts';
import type { Runtime } from './execute/context.ts';
import { executeAtProvider } from './execute/execute.ts';
import { run } from './hooks.ts';
import { problemExtras } from './provider-problem.ts';

/** Why an attempt gave no answer; `reply` holds the provider's own error body where it sent one. */
export interface Failure {
  readonly error: GatewayError;
  readonly reply: Reply | undefined;
}

/** A successful reply and the attempt that it belongs to, still open until the reply is delivered. */
export interface Success {
  readonly reply: Reply;
  readonly attempt: LiveAttempt;
}

/** One try: key, call, reply. Never rejects; a failed attempt is closed and on the record when this resolves. */
export async function runAttempt(
  attempt: LiveAttempt,
  provider: Provider,
  runtime: Runtime,
): Promise<Success | Failure> {
  const { exchange } = attempt;
  const { hooks } = runtime;
  let reply: Reply | undefined;
  let error: GatewayError;
  try {
    let key = run(hooks.selectKey, attempt, exchange);
    if (isThenable(key)) key = await key;
    if (key === undefined) throw noKey(provider, attempt);
    attempt.chosen = key;
    let answer = run(hooks.execute, attempt, exchange);
    if (isThenable(answer)) answer = await answer;
    if (exchange.stopped !== undefined) {
      if (answer !== undefined) discard(answer, exchange.stopped);
      throw exchange.stopped;
    }
    reply = answer ?? (await executeAtProvider(attempt, provider, runtime));
    if (reply.problem === undefined) return { reply, attempt };
    error = problemError(reply.problem, provider);
  } catch (cause) {
    error = isGatewayError(cause) ? cause : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
    if (error.code === 'BUG') exchange.log.error({ request: exchange.id, err: cause }, 'unexpected failure');
  }
  close(attempt, error, reply);
  return { error, reply };
}

function close(attempt: LiveAttempt, error: GatewayError, reply: Reply | undefined): void {
  const { exchange } = attempt;
  if (attempt.ended) return;
  // Finding no further key, or no leave to hedge, is not another try.
  if (attempt.chosen === undefined && (attempt.triedKeys.size > 0 || attempt.reason !== 'first')) {
    attempt.drop(error);
    return;
  }
  attempt.end(exchange.clientGone ? 'abandoned' : 'failed', reply?.status, error);
  exchange.note('kernel', 'attempt failed', {
    attempt: attempt.number,
    target: `${attempt.target.provider}/${attempt.target.model}`,
    key: attempt.chosen?.name ?? null,
    code: error.code,
    status: reply?.status ?? error.status,
  });
}

function problemError(problem: NonNullable<Reply['problem']>, provider: Provider): GatewayError {
  const message = problem.message === '' ? `${provider.name} answered ${problem.status}.` : problem.message;
  return new GatewayError('UP_STATUS', { message }, problemExtras(problem));
}

function noKey(provider: Provider, attempt: LiveAttempt): GatewayError {
  const fields = {
    provider: provider.name,
    model: attempt.target.model,
    reason: 'no plugin chose one',
    advice: provider.keyAdvice,
  };
  return new GatewayError('ROUTE_NO_KEY', fields);
}
