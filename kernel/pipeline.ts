import { GatewayError, isGatewayError, isThenable, type Reply } from '../plugin-sdk/index.ts';
import { tryTargets } from './attempts.ts';
import type { Client } from './client/client.ts';
import { Deadline } from './deadline.ts';
import { deliver, deliverError } from './deliver.ts';
import { discard } from './discard.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { run } from './hooks.ts';
import { meetingPlace, othersToo } from './in-step.ts';
import { settle } from './settle.ts';
import { targetOfModel } from './targets.ts';
import { transformReply } from './transform.ts';

const answered = meetingPlace();

/**
 * Takes one exchange from its first hook to its last byte. Reads top to bottom; nothing here calls back up.
 * Resolves when everything is settled; never rejects.
 */
export async function handle(exchange: LiveExchange, client: Client, runtime: Runtime): Promise<void> {
  let error: GatewayError | undefined;
  let reply: Reply | undefined;
  let firstByteMs: number | undefined;
  try {
    reply = await answer(exchange, runtime);
    const transformed = transformReply(exchange, reply, runtime);
    reply = isThenable(transformed) ? await transformed : transformed;
    await othersToo;
    if (exchange.stopped !== undefined) throw exchange.stopped;
    const delivery = deliver(exchange, reply, client, runtime);
    firstByteMs = performance.now() - exchange.startedAt;
    if (delivery !== undefined) error = await delivery;
    if (error !== undefined) logFailure(error, exchange);
  } catch (cause) {
    // Whatever broke because the client left, its leaving is what happened.
    error = exchange.clientGone && exchange.stopped !== undefined ? exchange.stopped : gatewayErrorOf(cause, exchange);
    if (reply !== undefined) discard(reply, error);
    // The client gets the error instead of it.
    if (!client.headSent) reply = undefined;
    report(exchange, error, client, runtime);
    if (client.headSent) firstByteMs ??= performance.now() - exchange.startedAt;
  }
  client.onGone = undefined;
  const durationMs = performance.now() - exchange.startedAt;
  await othersToo;
  const status = firstByteMs === undefined ? 499 : (error?.status ?? reply?.status ?? 500);
  const settled = settle(exchange, client, runtime, {
    status: client.headSent && reply !== undefined && error !== undefined ? reply.status : status,
    error: error ?? problemOf(reply),
    origin: reply?.origin ?? 'gateway',
    firstByteMs,
    durationMs,
  });
  if (isThenable(settled)) await settled;
}

/** Ends an exchange that cannot begin: its path, head or body is not acceptable, or did not come. Never rejects. */
export async function refuse(
  exchange: LiveExchange,
  error: GatewayError,
  client: Client,
  runtime: Runtime,
): Promise<void> {
  if (error.code === 'CLIENT_GONE') exchange.leave();
  report(exchange, error, client, runtime);
  client.onGone = undefined;
  const firstByteMs = client.headSent ? performance.now() - exchange.startedAt : undefined;
  const status = client.headSent ? error.status : 499;
  const durationMs = performance.now() - exchange.startedAt;
  await settle(exchange, client, runtime, { status, error, origin: 'gateway', firstByteMs, durationMs });
}

/** preRoute → transformRequest → attempts. A plugin may answer at the first. */
async function answer(exchange: LiveExchange, runtime: Runtime): Promise<Reply> {
  const { hooks } = runtime;
  if (exchange.stopped !== undefined) throw exchange.stopped;
  let early = run(hooks.preRoute, exchange, exchange);
  if (isThenable(early)) early = await early;
  if (early !== undefined) return early;
  if (exchange.targets.length === 0) exchange.setTargets([targetOfModel(exchange, runtime.providers)]);
  let request = run(hooks.transformRequest, exchange.request, exchange);
  if (isThenable(request)) request = await request;
  if (request !== undefined && request !== exchange.request) exchange.setRequest(request);
  totalLimit(exchange);
  await othersToo;
  const result = await tryTargets(exchange, runtime);
  await answered();
  if (!('attempt' in result)) return result;
  exchange.served = result.attempt;
  return result.reply;
}

/** The time limit of the whole exchange, from its first hook to its last byte. */
function totalLimit(exchange: LiveExchange): void {
  const ms = exchange.policy.timeouts.totalMs;
  if (ms === 0) return;
  const left = Math.max(1, ms - (performance.now() - exchange.startedAt));
  const provider = exchange.targets[0]?.provider ?? 'The provider';
  const late = new GatewayError('UP_TIMEOUT', { provider, what: 'no complete answer', ms }, { retry: 'never' });
  const deadline = new Deadline(left, () => exchange.stop(late));
  exchange.defer(() => deadline.stop());
}

/** Tells the client of a failure; where even that fails, it must not wait. */
function report(exchange: LiveExchange, error: GatewayError, client: Client, runtime: Runtime): void {
  try {
    deliverError(exchange, error, client, runtime);
  } catch (cause) {
    exchange.log.error({ request: exchange.id, err: cause }, 'an error could not be delivered');
    client.cut();
  }
}

function gatewayErrorOf(cause: unknown, exchange: LiveExchange): GatewayError {
  if (isGatewayError(cause)) {
    // That of an attempt has been logged there.
    if (cause.code !== 'BUG') logFailure(cause, exchange);
    return cause;
  }
  const error = new GatewayError('BUG', { reason: (cause as Error)?.message ?? String(cause) }, { cause });
  logFailure(error, exchange);
  return error;
}

/** What a plugin refuses is the caller's affair; its own failures and ours are an operator's. */
function logFailure(error: GatewayError, { id, log }: LiveExchange): void {
  if (error.code === 'BUG') log.error({ request: id, err: error.cause ?? error }, 'unexpected failure');
  else if (error.code.startsWith('PLUGIN_')) log.error({ request: id, err: error }, 'a plugin failed');
}

function problemOf(reply: Reply | undefined): GatewayError | undefined {
  if (reply?.problem === undefined) return undefined;
  return new GatewayError('UP_STATUS', { message: reply.problem.message }, { status: reply.status });
}
