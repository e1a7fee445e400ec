import { formatPeriod } from '../period.ts';
import { nanoPerUsd } from '../usd.ts';
import { nameOf } from './accounts.ts';
import type { AccountUsage } from './ledger.ts';

/** How full an account is, for people and pages: money in USD, times as ISO 8601. */
export interface AccountView {
  readonly account: string;
  readonly unit: 'usd' | 'requests' | 'tokens' | 'concurrency';
  readonly period: string | null;
  readonly calendar: boolean;
  readonly limit: number;
  /** In the window, open reservations included. */
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  readonly resetsAt: string | null;
}

export function viewAccount({ account, used, reserved, resetAt }: AccountUsage): AccountView {
  const isMoney = account.unit === 'nano-usd';
  const scale = isMoney ? nanoPerUsd : 1;
  return {
    account: nameOf(account),
    unit: isMoney ? 'usd' : (account.unit as Exclude<typeof account.unit, 'nano-usd'>),
    period: account.window === undefined ? null : formatPeriod(account.window.period),
    calendar: account.window?.type === 'calendar',
    limit: account.limit / scale,
    used: used / scale,
    reserved: reserved / scale,
    remaining: Math.max(account.limit - used, 0) / scale,
    resetsAt: resetAt === undefined ? null : new Date(resetAt).toISOString(),
  };
}
