import type { Account, Line, Unit } from '../../plugin-sdk/ports/ledger.ts';

/** Units that say how much a call uses, unlike requests and concurrency, which are one each. */
export function measures(accounts: readonly Account[]): boolean {
  return accounts.some(({ unit }) => unit === 'tokens' || unit === 'nano-usd');
}

export type Amounts = Readonly<Record<Unit, number>>;

export function linesOf(accounts: readonly Account[], amounts: Amounts): Line[] {
  return accounts.map((account) => ({ account, amount: amounts[account.unit] }));
}
