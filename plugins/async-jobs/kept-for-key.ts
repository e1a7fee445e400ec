import { getHeader } from '../../plugin-sdk/index.ts';
import type { JobResult } from '../../plugin-sdk/ports/jobs.ts';

/** Statuses after which SDKs repeat a call by themselves; every 5xx is one more. */
const repeated = new Set([408, 409, 429]);

/**
 * Whether a repeat with the same `Idempotency-Key` gets this result. Not so for a failure before anything was sent, nor
 * for one that a client may repeat: those would stand in the way of the call that succeeds.
 */
export function keptForKey({ state, status, headers }: JobResult, sent: boolean): boolean {
  if (state === 'completed') return true;
  if (!sent) return false;
  const told = getHeader(headers, 'x-should-retry');
  if (told === 'true' || told === 'false') return told === 'false';
  return !repeated.has(status) && status < 500;
}
