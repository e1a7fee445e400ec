import { type Period, parsePeriod } from '../../plugin-sdk/index.ts';
import type { Limits } from '../../plugin-sdk/ports/entity-schemas.ts';
import type { Account, Line, Unit, Window } from '../../plugin-sdk/ports/ledger.ts';

export const nanoPerUsd = 1_000_000_000;

/** The accounts of one thing's limits: rates first, since refusing a call too fast is cheaper than one too dear. */
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

function windowOf(period: string, calendar: boolean): Window {
  return { type: calendar ? 'calendar' : 'rolling', period: parsePeriod(period) as Period };
}

/** Units that say how much a call uses, unlike requests and concurrency, which are one each. */
export function measures(accounts: readonly Account[]): boolean {
  return accounts.some(({ unit }) => unit === 'tokens' || unit === 'nano-usd');
}

export type Amounts = Readonly<Record<Unit, number>>;

export function linesOf(accounts: readonly Account[], amounts: Amounts): Line[] {
  return accounts.map((account) => ({ account, amount: amounts[account.unit] }));
}

/** How an account is called in messages: `virtual key marketing`. */
export function nameOf({ id }: Account): string {
  return id.replace(/^virtual-key/, 'virtual key').replaceAll(':', ' ');
}
