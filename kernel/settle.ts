import { chain, type GatewayError, type MaybePromise, type Outcome, queueMsSlot } from '../plugin-sdk/index.ts';
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
  /** Until the last byte was written. */
  readonly durationMs: number;
}

/**
 * The end of every exchange, once: closes the attempt, runs deferred releases, then `postLog`. Nothing here delays a
 * reply. A promise where an observer waits, so that a drain can wait for it.
 */
export function settle(exchange: LiveExchange, client: Client, runtime: Runtime, ending: Ending): MaybePromise<void> {
  // What an exchange used is for its observers alone.
  const reading = runtime.hooks.postLog.isUsed() ? readUsage(exchange) : undefined;
  return chain(reading, () => {
    const error = ending.error ?? exchange.served?.problem;
    const whole = error === ending.error ? ending : { ...ending, error };
    close(exchange, whole);
    return chain(observe(exchange, client, runtime, whole), () => {
      if (exchange.place !== undefined) runtime.open.delete(exchange.place);
    });
  });
}

/** Closes the attempt that served, and lets go of what the exchange held. */
function close(exchange: LiveExchange, ending: Ending): void {
  const { served } = exchange;
  const result = ending.error === undefined ? 'ok' : exchange.clientGone ? 'abandoned' : 'failed';
  if (served !== undefined && exchange.usage !== undefined) served.usage = exchange.usage;
  served?.end(result, ending.status, ending.error);
  exchange.runDeferred();
}

function observe(exchange: LiveExchange, client: Client, { hooks }: Runtime, ending: Ending): MaybePromise<unknown> {
  if (hooks.postLog.isUsed()) return run(hooks.postLog, outcomeOf(exchange, client, ending), exchange);
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
  return {
    status: exchange.clientGone && !client.headSent ? 499 : ending.status,
    error: ending.error,
    clientGone: exchange.clientGone,
    // Without a served reply, what the last attempt had read before it broke off.
    usage: exchange.usage ?? (served === undefined ? exchange.attempts.at(-1)?.usage : served.usage),
    finish: exchange.finish ?? served?.finish,
    origin: ending.origin,
    attempts: exchange.attempts,
    durationMs: ending.durationMs,
    queueMs: exchange.get(queueMsSlot),
    firstByteMs: ending.firstByteMs,
    bytesIn: exchange.request.body.size ?? 0,
    bytesOut: client.bytesOut,
    chunks: exchange.chunks,
    lossy: exchange.lossy,
    decisions: exchange.decisions,
    timeline: exchange.timeline?.steps,
  };
}
