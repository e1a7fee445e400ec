import { isThenable, type Logger } from '../plugin-sdk/index.ts';

interface Concerned {
  readonly id: string;
  readonly log: Logger;
}

/**
 * Calls a plugin back where nothing may come of it. What it throws, or what its promise rejects with, is logged: neither
 * keeps others from being called.
 */
export function notify<T>(listener: (value: T) => unknown, value: T, exchange: Concerned, failed: string): void {
  try {
    const result = listener(value);
    if (isThenable(result)) logRejection(result, exchange, failed);
  } catch (err) {
    exchange.log.error({ request: exchange.id, err }, failed);
  }
}

/** Handles a promise that nobody waits for. A function of its own, so that only those who have one pay for a closure. */
export function logRejection(
  promise: PromiseLike<unknown>,
  { id, log }: Concerned,
  failed: string,
  plugin?: string,
): void {
  promise.then(undefined, (err) =>
    log.error({ request: id, ...(plugin === undefined ? {} : { plugin }), err }, failed),
  );
}
