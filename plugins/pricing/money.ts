/**
 * Money inside this plugin is whole femto-dollars (1e-15 USD): a price of 0.003625 USD per million tokens is 3,625,000
 * of them per token, so no price and no sum is ever rounded before the end.
 */
export type Femto = bigint;

const femtoPerNano = 1_000_000n;

/** Reads a decimal such as `0.0028` as a whole number of 10^-decimals. Throws RangeError when it needs more places. */
export function parseDecimal(value: string | number, decimals: number): bigint {
  const text = typeof value === 'string' ? value : plain(value);
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  const fraction = (match?.[2] ?? '').replace(/0+$/, '');
  if (match === null || fraction.length > decimals) {
    throw new RangeError(`${JSON.stringify(value)} is not a decimal with at most ${decimals} places`);
  }
  return BigInt(match[1]! + fraction.padEnd(decimals, '0'));
}

/** USD per million tokens, as femto-dollars per token. */
export const perMillionTokens = (usd: string | number): Femto => parseDecimal(usd, 9);

/** USD per one (image, second, character, request, search), as femto-dollars. */
export const perUnit = (usd: string | number): Femto => parseDecimal(usd, 15);

const multiplierScale = 6;

/** A factor such as `0.5` or `1.75`, applied exactly and rounded half up to a whole femto-dollar. */
export function scale(amount: Femto, factor: string | number): Femto {
  const unit = 10n ** BigInt(multiplierScale);
  return (amount * parseDecimal(factor, multiplierScale) + unit / 2n) / unit;
}

/** Whole nano-dollars, rounded half up: the only rounding that a cost sees. */
export function toNanoUsd(amount: Femto): number {
  return Number((amount + femtoPerNano / 2n) / femtoPerNano);
}

/** A count from a provider as a whole number, zero or more; whatever is not a number counts as none. */
export function count(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) && value > 0 ? Math.ceil(value) : 0;
}

function plain(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(15) : text;
}
