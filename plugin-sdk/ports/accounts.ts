import { type Period, parsePeriod } from '../period.ts';
import { nanoPerUsd } from '../usd.ts';
import type { Limits, VirtualKey } from './entity-schemas.ts';
import type { Account, Window } from './ledger.ts';

/**
 * The ledger accounts of one thing's limits, such as those of `virtual-key:marketing`: rates first, since refusing a call
 * too fast is cheaper than one too dear.
 */
export function accountsOf(id: string, { budgets, rateLimits, concurrency }: Limits): Account[] {
  const accounts: Account[] = [];
  for (const { requests, tokens, period, calendar } of rateLimits) {
    const window = windowOf(period, calendar);
    if (requests !== undefined) accounts.push({ id, unit: 'requests', limit: requests, window });
    if (tokens !== undefined) accounts.push({ id, unit: 'tokens', limit: tokens, window });
  }
  if (concurrency !== undefined) accounts.push({ id, unit: 'concurrency', limit: concurrency });
  for (const { limit, period, calendar } of budgets) {
    accounts.push({ id, unit: 'nano-usd', limit: Math.round(limit * nanoPerUsd), window: windowOf(period, calendar) });
  }
  return accounts;
}

/** The accounts of a virtual key, team, customer or limit; what a key has at single providers is under names of their own. */
export function accountsOfEntity(id: string, value: Limits & Partial<Pick<VirtualKey, 'providers'>>): Account[] {
  const grants = value.providers ?? [];
  return [...accountsOf(id, value), ...grants.flatMap((grant) => accountsOf(`${id}:${grant.provider}`, grant))];
}

function windowOf(period: string, calendar: boolean): Window {
  return { type: calendar ? 'calendar' : 'rolling', period: parsePeriod(period) as Period };
}

/** How an account is called in messages: `virtual key marketing`. */
export function nameOf({ id }: Account): string {
  return id.replace(/^virtual-key/, 'virtual key').replaceAll(':', ' ');
}
