import type { Metric } from 'prom-client';

/** Label names and values; a label that does not apply is left out. */
export type Labels = Readonly<Record<string, string>>;

interface Value {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
  /** Labels that many values share by identity: prom-client writes them once and keeps the text. */
  readonly sharedLabels?: Labels;
}

/** What prom-client's registry asks of a metric; its own classes hash all labels again on every observation. */
export abstract class SeriesMetric {
  readonly name: string;
  readonly help: string;
  readonly aggregator = 'sum';
  abstract readonly type: 'counter' | 'gauge' | 'histogram';

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  abstract values(shared: boolean): Value[];

  get() {
    return this.#described(this.values(false));
  }

  getForPromString() {
    return this.#described(this.values(true));
  }

  #described(values: Value[]) {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }

  /** As prom-client's registry takes it. */
  get metric(): Metric {
    return this as unknown as Metric;
  }
}

export interface CounterSeries {
  readonly labels: Labels;
  value: number;
}

/** Counters whose series are made once and then cost an addition. */
export class SeriesCounter extends SeriesMetric {
  readonly type = 'counter';
  readonly #all: CounterSeries[] = [];

  /** The caller keeps what it gets: the same labels again would be a second series. */
  series(labels: Labels): CounterSeries {
    const series = { labels, value: 0 };
    this.#all.push(series);
    return series;
  }

  values(): Value[] {
    return this.#all.map(({ labels, value }) => ({ labels, value }));
  }
}

/** Numbers that something else keeps: read anew for every scrape. */
export class ReadMetric extends SeriesMetric {
  readonly type: 'counter' | 'gauge';
  rows: readonly { readonly labels: Labels; readonly value: number }[] = [];

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    super(name, help);
    this.type = type;
  }

  /** The only value, of a metric without labels. */
  set value(value: number) {
    this.rows = [{ labels: {}, value }];
  }

  values(): Value[] {
    return [...this.rows];
  }
}

/** One histogram of {@link SeriesHistogram}: an observation is a search among the bounds and two additions. */
export class HistogramSeries {
  readonly labels: Labels;
  /** Observations by bucket, not cumulated; the last holds what is above every bound. */
  readonly counts: Float64Array;
  sum = 0;
  readonly #bounds: readonly number[];

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.counts[low]! += 1;
    this.sum += value;
  }
}

/** Histograms over the same bounds. */
export class SeriesHistogram extends SeriesMetric {
  readonly type = 'histogram';
  readonly #bounds: readonly number[];
  readonly #limits: readonly Labels[];
  readonly #all: HistogramSeries[] = [];

  /** `bounds` rise; the bucket without a bound is added. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    super(name, help);
    this.#bounds = bounds;
    this.#limits = [...bounds.map(String), '+Inf'].map((le) => ({ le }));
  }

  /** The caller keeps what it gets: the same labels again would be a second series. */
  series(labels: Labels): HistogramSeries {
    const series = new HistogramSeries(labels, this.#bounds);
    this.#all.push(series);
    return series;
  }

  values(shared: boolean): Value[] {
    const values: Value[] = [];
    for (const { labels, counts, sum } of this.#all) {
      const add = (suffix: string, own: Labels, value: number): void => {
        const metricName = `${this.name}_${suffix}`;
        values.push(
          shared
            ? { metricName, labels: own, sharedLabels: labels, value }
            : { metricName, labels: { ...own, ...labels }, value },
        );
      };
      let total = 0;
      this.#limits.forEach((limit, i) => {
        total += counts[i]!;
        add('bucket', limit, total);
      });
      add('sum', {}, sum);
      add('count', {}, total);
    }
    return values;
  }
}
