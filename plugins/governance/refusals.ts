import { formatPeriod, GatewayError, type RetryRule } from '../../plugin-sdk/index.ts';
import { nameOf } from '../../plugin-sdk/ports/accounts.ts';
import type { Refused } from '../../plugin-sdk/ports/ledger.ts';
import { writeUsd } from '../../plugin-sdk/usd.ts';

/** SDKs ignore `retry-after` above this and would try again at once (wire facts, trap 11). */
const longestHonouredMs = 60_000;
/** An open request is likely to end soon, but nobody knows when. */
const concurrencyRetryMs = 1_000;

/** The error for a refused reservation. `retry` says whether another target may help. */
export function refusal({ line, used, resetAt }: Refused, now: number, retry: RetryRule): GatewayError {
  const { account: counted, amount } = line;
  const account = nameOf(counted);
  const { limit } = counted;
  if (counted.unit === 'concurrency') {
    return new GatewayError('LIMIT_CONCURRENCY', { account, limit }, { retry, retryAfterMs: concurrencyRetryMs });
  }
  const period = counted.window === undefined ? '' : formatPeriod(counted.window.period);
  const reset =
    resetAt === undefined ? 'no time: one request is larger than the limit' : new Date(resetAt).toISOString();
  const waitMs = resetAt === undefined ? undefined : Math.max(resetAt - now, 1);
  const extras = {
    retry,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(waitMs === undefined || waitMs > longestHonouredMs || counted.unit === 'nano-usd'
      ? { clientMayRetry: false }
      : {}),
  };
  if (counted.unit === 'requests') return new GatewayError('LIMIT_REQUESTS', { account, limit, period, reset }, extras);
  if (counted.unit === 'tokens') return new GatewayError('LIMIT_TOKENS', { account, limit, period, reset }, extras);
  const fields = { account, used: writeUsd(used), limit: writeUsd(limit), period, wanted: writeUsd(amount), reset };
  return new GatewayError('LIMIT_BUDGET', fields, extras);
}
