import type { Backoff } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/**
 * Milliseconds until the next try: doubled each time, jittered, never before the provider's `retry-after`.
 * `undefined` when the provider wants more than the policy's longest wait: waiting would only be a hung request.
 */
export function backoffMs(backoff: Backoff, retries: number, retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs !== undefined && retryAfterMs > backoff.maxMs) return undefined;
  const full = Math.min(backoff.initialMs * 2 ** retries, backoff.maxMs);
  const jittered = full * (1 - backoff.jitter * Math.random());
  return Math.max(jittered, retryAfterMs ?? 0);
}

/** Waits, or returns at once when the exchange must stop. */
export function pause(ms: number, exchange: LiveExchange): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      unlisten();
      resolve();
    }, ms);
    const unlisten = exchange.onStop(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
