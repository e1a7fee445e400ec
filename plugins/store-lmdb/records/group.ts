import { calendarWindow } from '../../../plugin-sdk/period.ts';
import type { AggregateQuery, RecordGroup } from '../../../plugin-sdk/ports/records.ts';
import { type Block, noCost } from './block.ts';
import { Histogram } from './histogram.ts';
import type { Words } from './words.ts';

class Sum {
  requests = 0;
  errors = 0;
  input = 0;
  output = 0;
  cached = 0;
  cost = 0;
  unknownCosts = 0;
  readonly duration = new Histogram();
  readonly firstContent = new Histogram();

  add(block: Block, place: number): void {
    this.requests++;
    if (block.isFailed(place)) this.errors++;
    this.input += block.input[place]!;
    this.output += block.output[place]!;
    this.cached += block.cached[place]!;
    const cost = block.cost[place]!;
    if (Number.isNaN(cost)) this.unknownCosts++;
    else if (cost !== noCost) this.cost += cost;
    this.duration.add(block.duration[place]!);
    const first = block.firstContent[place]!;
    if (!Number.isNaN(first)) this.firstContent.add(first);
  }

  merge(other: Sum): void {
    this.requests += other.requests;
    this.errors += other.errors;
    this.input += other.input;
    this.output += other.output;
    this.cached += other.cached;
    this.cost += other.cost;
    this.unknownCosts += other.unknownCosts;
    this.duration.merge(other.duration);
    this.firstContent.merge(other.firstContent);
  }
}

/** Sums by value and time bucket. */
export class Groups {
  readonly #query: AggregateQuery;
  readonly #words: Words;
  /** By the value's number (word or status), then by the start of the bucket. */
  readonly #sums = new Map<number, Map<number, Sum>>();
  /** That of the row before: rows are nearly in order of time. */
  #window = { start: 0, end: 0 };
  #last: { value: number; bucket: number; sum: Sum } | undefined;

  constructor(query: AggregateQuery, words: Words) {
    this.#query = query;
    this.#words = words;
  }

  add(block: Block, place: number): void {
    const { by } = this.#query;
    const value = by === undefined ? 0 : by === 'status' ? block.status[place]! : block.words[by][place]!;
    const bucket = this.#bucketOf(block.time[place]!);
    let last = this.#last;
    if (last === undefined || last.value !== value || last.bucket !== bucket) {
      last = this.#last = { value, bucket, sum: this.#sum(value, bucket) };
    }
    last.sum.add(block, place);
  }

  /** The largest groups first, their buckets in order of time; the rest is one group without a key. */
  result(): RecordGroup[] {
    const requestsOf = (buckets: Map<number, Sum>): number => {
      let requests = 0;
      for (const sum of buckets.values()) requests += sum.requests;
      return requests;
    };
    const largestFirst = [...this.#sums]
      .map(([value, buckets]) => ({ value, buckets, requests: requestsOf(buckets) }))
      .sort((a, b) => b.requests - a.requests);
    const groups = largestFirst
      .slice(0, this.#query.limit)
      .flatMap(({ value, buckets }) => this.#groupsOf(this.#keyOf(value), buckets));
    const rest = new Map<number, Sum>();
    for (const { buckets } of largestFirst.slice(this.#query.limit)) {
      for (const [bucket, sum] of buckets) {
        const sofar = rest.get(bucket);
        if (sofar === undefined) rest.set(bucket, sum);
        else sofar.merge(sum);
      }
    }
    return [...groups, ...this.#groupsOf(undefined, rest)];
  }

  #bucketOf(time: number): number {
    const { bucket } = this.#query;
    if (bucket === undefined) return 0;
    if (time < this.#window.start || time >= this.#window.end) this.#window = calendarWindow(bucket, time);
    return this.#window.start;
  }

  #sum(value: number, bucket: number): Sum {
    let buckets = this.#sums.get(value);
    if (buckets === undefined) this.#sums.set(value, (buckets = new Map()));
    let sum = buckets.get(bucket);
    if (sum === undefined) buckets.set(bucket, (sum = new Sum()));
    return sum;
  }

  #keyOf(value: number): string {
    const { by } = this.#query;
    return by === undefined ? '' : by === 'status' ? String(value) : this.#words.text(value);
  }

  #groupsOf(key: string | undefined, buckets: Map<number, Sum>): RecordGroup[] {
    const { bucket: period } = this.#query;
    return [...buckets]
      .sort(([a], [b]) => a - b)
      .map(([bucket, sum]) => ({
        key,
        ...(period === undefined ? {} : { time: bucket }),
        requests: sum.requests,
        errors: sum.errors,
        inputTokens: sum.input,
        outputTokens: sum.output,
        cachedTokens: sum.cached,
        cost: sum.cost,
        unknownCosts: sum.unknownCosts,
        durationMs: sum.duration.percentiles(),
        firstContentMs: sum.firstContent.percentiles(),
      }));
  }
}
