/** Money travels as whole nano-dollars. */
export const nanoPerUsd = 1_000_000_000;

/** Nano-dollars as a decimal number of dollars, without trailing zeros: `0.0001234`. */
export function writeUsd(nanoUsd: number): string {
  return (nanoUsd / nanoPerUsd).toFixed(9).replace(/\.?0+$/, '');
}
