import type { Percentiles } from '../../../plugin-sdk/ports/records.ts';

/** Steps per doubling: a bucket is 1/32 wide, so its middle is within 1.6 % of what it holds. */
const stepBits = 5;
const steps = 1 << stepBits;
/** Hundredths of a millisecond, up to 2^32 of them (twelve hours). */
const perMs = 100;
const size = (32 - stepBits + 1) * steps;

/** Counts of durations in logarithmic buckets; histograms add up. */
export class Histogram {
  readonly #counts = new Uint32Array(size);
  #total = 0;

  add(ms: number): void {
    const value = Math.min(0xffff_ffff, ms * perMs) >>> 0;
    this.#counts[bucketOf(value)]! += 1;
    this.#total++;
  }

  merge(other: Histogram): void {
    for (let i = 0; i < size; i++) this.#counts[i]! += other.#counts[i]!;
    this.#total += other.#total;
  }

  percentiles(): Percentiles {
    return { p50: this.#at(0.5), p90: this.#at(0.9), p99: this.#at(0.99) };
  }

  #at(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    let left = Math.ceil(this.#total * share);
    for (let i = 0; i < size; i++) {
      left -= this.#counts[i]!;
      if (left <= 0) return Math.round(middleOf(i)) / perMs;
    }
    return undefined;
  }
}

function bucketOf(value: number): number {
  if (value < steps) return value;
  const shift = 31 - Math.clz32(value) - stepBits;
  return (shift + 1) * steps + ((value >>> shift) - steps);
}

function middleOf(bucket: number): number {
  if (bucket < steps) return bucket;
  const shift = Math.floor(bucket / steps) - 1;
  return ((bucket % steps) + steps + 0.5) * 2 ** shift;
}
