import { chain, type MaybePromise } from '../../plugin-sdk/index.ts';

/** What calls without a limit share, in the unit of one account. */
export interface Wallet {
  /** Of the account, open reservations subtracted. */
  readonly left: number;
  /** What a call costs that gives so much output per answer; never falls as output grows. */
  readonly costOf: (output: number) => MaybePromise<number>;
}

/** Output tokens per answer. */
export interface Wants {
  /** As much as the model can give. */
  readonly most: number;
  /** What a call may have however small its share, as long as it is there. */
  readonly usual: number;
  /** Less is of no use. */
  readonly least: number;
}

/** A call gets its maximum while it leaves room for so many like it. */
const sharers = 16;

/**
 * How much output one call may have so that the account is never overdrawn and no call takes it all while others wait:
 * its maximum, or one share of what is left but no less than usual, or half of what is left, or the least. The caller
 * reserves it and sees then whether it fits.
 */
export function allot({ left, costOf }: Wallet, { most, usual, least }: Wants): MaybePromise<number> {
  return chain(costOf(0), (base) => {
    const affordable = (amount: number): MaybePromise<number> => largest(most, Math.floor(amount), base, costOf);
    return chain(affordable(left / sharers), (share) => {
      if (share >= Math.min(most, usual)) return share;
      return chain(affordable(left), (all) => {
        if (all >= Math.min(most, usual)) return Math.min(most, usual);
        return chain(affordable(left / 2), (half) => Math.max(half, Math.min(least, most)));
      });
    });
  });
}

/** The largest output up to `top` that costs no more than `amount`; 0 when none does. */
function largest(top: number, amount: number, base: number, costOf: Wallet['costOf']): MaybePromise<number> {
  if (base > amount) return 0;
  return chain(costOf(top), (cost) => {
    if (cost <= amount || top === 0) return top;
    const next = Math.floor((top * (amount - base)) / (cost - base));
    return largest(Math.min(next, top - 1), amount, base, costOf);
  });
}
