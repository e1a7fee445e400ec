import { type GatewayError, isThenable, type MaybePromise, type Outcome, queueMsSlot } from '../plugin-sdk/index.ts';
import type { Client } from './client/client.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { run } from './hooks.ts';

/** How an exchange went, as far as the pipeline knows when it is over. */
export interface Ending {
  readonly status: number;
  readonly error: GatewayError | undefined;
  readonly origin: Outcome['origin'];
  readonly firstByteMs: number | undefined;
}

/**
 * The end of every exchange, once: closes the attempt, runs deferred releases, then `postLog`. Nothing here delays a
 * reply. Resolves when the observers are done, so that a drain can wait for them.
 */
export async function settle(exchange: LiveExchange, client: Client, runtime: Runtime, ending: Ending): Promise<void> {
  const { postLog } = runtime.hooks;
  // What an exchange used is for its observers alone.
  const reading = postLog.isUsed() ? readUsage(exchange) : undefined;
  if (reading !== undefined) await reading;
  const { served } = exchange;
  const result = ending.error === undefined ? 'ok' : exchange.clientGone ? 'abandoned' : 'failed';
  if (served !== undefined && exchange.usage !== undefined) served.usage = exchange.usage;
  served?.end(result, ending.status, ending.error);
  exchange.runDeferred();
  if (postLog.isUsed()) {
    const observed = run(postLog, outcomeOf(exchange, client, ending), exchange);
    if (isThenable(observed)) await observed;
  }
  if (exchange.place !== undefined) runtime.open.delete(exchange.place);
}

function readUsage(exchange: LiveExchange): MaybePromise<void> {
  try {
    return exchange.readUsage?.();
  } catch (cause) {
    exchange.log.warn({ request: exchange.id, err: cause }, 'the usage of a reply could not be read');
  }
}

function outcomeOf(exchange: LiveExchange, client: Client, ending: Ending): Outcome {
  const { served } = exchange;
  const queueMs = exchange.get(queueMsSlot);
  return {
    status: exchange.clientGone && !client.headSent ? 499 : ending.status,
    error: ending.error,
    clientGone: exchange.clientGone,
    // Without a served reply, what the last attempt had read before it broke off.
    usage: exchange.usage ?? (served === undefined ? exchange.attempts.at(-1)?.usage : served.usage),
    finish: exchange.finish ?? served?.finish,
    origin: ending.origin,
    attempts: exchange.attempts,
    durationMs: performance.now() - exchange.startedAt,
    ...(queueMs === undefined ? {} : { queueMs }),
    firstByteMs: ending.firstByteMs,
    bytesIn: exchange.request.body.size ?? 0,
    bytesOut: client.bytesOut,
    chunks: exchange.chunks,
    lossy: exchange.lossy,
    decisions: exchange.decisions,
    ...(exchange.timeline === undefined ? {} : { timeline: exchange.timeline.steps }),
  };
}
