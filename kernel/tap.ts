import { type Dialect, GatewayError, type HookName, isThenable, type Logger } from '../plugin-sdk/index.ts';
import { badResult, blame, type Culprit } from './blame.ts';

/** Whom to blame when a handler fails, and what an operator chose for that case. */
export interface Tap extends Culprit {
  /** Milliseconds a handler may take. */
  readonly timeoutMs: number;
  /** Go on without an opinion instead of failing the exchange. */
  readonly failOpen: boolean;
  readonly log: Logger;
  /** What the handler has taken so far. */
  readonly taken: Taken;
  /** Says what is wrong with a returned value, if anything. */
  readonly check?: (value: unknown, exchange: Timed) => string | undefined;
  /** Makes of a value that passed the check what the kernel goes on with. */
  readonly accept?: (value: unknown, tap: Tap, exchange: Timed) => unknown;
}

/** Sums over all runs of a handler; milliseconds include what it waited for. */
export interface Taken {
  runs: number;
  failures: number;
  totalMs: number;
  maxMs: number;
}

/** What the adapter needs of the second argument of every hook. */
export interface Timed {
  readonly id: string;
  /** The client's. */
  readonly dialect: Pick<Dialect, 'chat'>;
  /** Who last changed a whole reply. */
  changedBy: Tap | undefined;
  /** Present when someone asked for the decision record. */
  readonly timeline: { add(plugin: string, hook: HookName, ms: number): void } | undefined;
}

type Done<R> = (error?: Error | null | false, value?: R) => void;
type Handler<V, X, R> = (value: V, exchange: X) => R | undefined | void | Promise<R | undefined | void>;

/**
 * Turns a plugin's handler, synchronous or not, into a tapable callback.
 *
 * tapable runs `tapAsync` and `tapPromise` functions outside any try block, so a later tap that throws before its first
 * await, or returns a plain value, leaves the hook pending for ever and the client hangs. Here every exit goes through
 * `done`, once, with the plugin's name on every failure. No promise is made for a synchronous handler.
 */
export function toTap<V, X extends Timed, R>(tap: Tap, handler: Handler<V, X, R>) {
  return (value: V, exchange: X, done: Done<R>): void => {
    const started = performance.now();
    let result: unknown;
    try {
      result = handler(value, exchange);
    } catch (cause) {
      conclude(tap, exchange, performance.now() - started, blame(tap, cause), undefined, done);
      return;
    }
    if (isThenable(result)) {
      wait(tap, exchange, started, result, done);
      return;
    }
    // A busy loop cannot be interrupted from within its own thread; it is named once it gives way.
    const ms = performance.now() - started;
    conclude(tap, exchange, ms, ms > tap.timeoutMs ? timeout(tap) : undefined, result, done);
  };
}

function wait<R>(tap: Tap, exchange: Timed, started: number, result: PromiseLike<unknown>, done: Done<R>): void {
  let settled = false;
  const once = (error: GatewayError | undefined, value?: unknown): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    conclude(tap, exchange, performance.now() - started, error, value, done);
  };
  const timer = setTimeout(() => once(timeout(tap)), tap.timeoutMs);
  result.then(
    (value) => once(undefined, value),
    (cause) => once(blame(tap, cause)),
  );
}

function conclude<R>(
  tap: Tap,
  exchange: Timed,
  ms: number,
  error: GatewayError | undefined,
  value: unknown,
  done: Done<R>,
): void {
  const { taken } = tap;
  taken.runs += 1;
  taken.totalMs += ms;
  if (ms > taken.maxMs) taken.maxMs = ms;
  exchange.timeline?.add(tap.plugin, tap.hook, ms);
  let failure = error;
  let answer: unknown = value ?? undefined;
  if (failure === undefined && answer !== undefined) {
    try {
      const reason = tap.check?.(answer, exchange);
      if (reason !== undefined) failure = badResult(tap, reason, answer);
      else if (tap.accept !== undefined) answer = tap.accept(answer, tap, exchange);
    } catch (cause) {
      // A value that cannot even be looked at.
      failure = blame(tap, cause);
    }
  }
  if (failure === undefined) done(null, answer as R);
  else if (isPassedOver(tap, exchange, failure)) done(null, undefined);
  else done(failure);
}

/** Counts a failure. True when the exchange goes on without this handler. */
export function isPassedOver(tap: Tap, exchange: Timed, failure: GatewayError): boolean {
  if (!isPluginsFault(failure)) return false;
  tap.taken.failures += 1;
  if (!tap.failOpen) return false;
  tap.log.warn(
    { request: exchange.id, plugin: tap.plugin, hook: tap.hook, err: failure },
    'plugin failed; going on without it',
  );
  return true;
}

/** A refusal is a decision, not a failure: `failOpen` does not lift it. */
function isPluginsFault(error: GatewayError): boolean {
  return error.code.startsWith('PLUGIN_') || error.code === 'STORE_UNAVAILABLE';
}

function timeout({ plugin, hook, timeoutMs }: Tap): GatewayError {
  return new GatewayError('PLUGIN_TIMEOUT', { plugin, hook, ms: timeoutMs }, { plugin, hook });
}

/** Like {@link toTap} for observers: they neither wait for nor break each other, and their failures are only logged. */
export function toObserver<V, X extends Timed>(tap: Tap, handler: (exchange: X, value: V) => void | Promise<void>) {
  const run = toTap<V, X, never>(tap, (value, exchange) => handler(exchange, value) as undefined);
  return (value: V, exchange: X, done: Done<never>): void =>
    run(value, exchange, (error) => {
      if (error)
        tap.log.error({ request: exchange.id, plugin: tap.plugin, hook: tap.hook, err: error }, 'observer failed');
      done();
    });
}
