/**
 * How the kernel's attempt loop behaves for one exchange. It is data: plugins set it in `preRoute`, the loop obeys.
 * Times are milliseconds; 0 switches a time limit off.
 */
export interface Policy {
  /** Tries at one target beyond the first, for errors whose rule is `same-key`. Other keys are tried besides. */
  retries: number;
  readonly backoff: Backoff;
  /** HTTP statuses that are worth another try with the same key. */
  retryStatuses: readonly number[];
  /** HTTP statuses that say the key is at fault: the next key is tried at once. */
  keyStatuses: readonly number[];
  /** HTTP statuses that another target need not share. */
  targetStatuses: readonly number[];
  readonly timeouts: Timeouts;
  /** How long and how much of a stream's start may be held back, waiting for its first content. */
  readonly holdBack: { ms: number; bytes: number };
  /** Start a second attempt when the first has no content after this time; `undefined` never does. */
  hedgeAfterMs: number | undefined;
}

export interface Backoff {
  initialMs: number;
  maxMs: number;
  /** Share of the delay that is random, 0 to 1. */
  jitter: number;
}

export interface Timeouts {
  connectMs: number;
  /** From sending the request to the first content event (or the whole reply, when it is no stream). */
  firstContentMs: number;
  betweenEventsMs: number;
  totalMs: number;
}

const defaultRetryStatuses = [408, 409, 429, 500, 502, 503, 504, 529];
const defaultKeyStatuses = [401, 402, 403, 429];
const defaultTargetStatuses = [404];

export function defaultPolicy(): Policy {
  return {
    retries: 0,
    backoff: { initialMs: 500, maxMs: 8_000, jitter: 0.25 },
    retryStatuses: defaultRetryStatuses,
    keyStatuses: defaultKeyStatuses,
    targetStatuses: defaultTargetStatuses,
    timeouts: { connectMs: 10_000, firstContentMs: 600_000, betweenEventsMs: 120_000, totalMs: 0 },
    holdBack: { ms: 15_000, bytes: 256 * 1024 },
    hedgeAfterMs: undefined,
  };
}
