import type { Usage } from '../conversation/index.ts';
import type { Decision } from '../exchange.ts';
import type { JsonValue } from '../json.ts';
import type { MaybePromise } from '../maybe.ts';
import type { Period } from '../period.ts';
import { definePort } from '../ports.ts';
import { defineSlot } from '../slot.ts';

/** One exchange, as it is kept. Times are milliseconds, money is whole nano-USD, sizes are bytes. */
export interface ExchangeRecord {
  readonly id: string;
  /** When the exchange started, in milliseconds since 1970. */
  readonly time: number;
  readonly operation: string;
  /** The client's dialect. */
  readonly dialect: string;
  readonly stream: boolean;
  readonly caller: RecordedCaller;
  /** As the client named it. */
  readonly clientModel?: string | undefined;
  /** Of the attempt that served, or the last one. */
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  /** Name of the provider key. */
  readonly key?: string | undefined;
  readonly status: number;
  /** Code of the error. */
  readonly error?: string | undefined;
  /** The provider's word. */
  readonly finish?: string | undefined;
  readonly origin: 'upstream' | 'gateway';
  readonly clientGone: boolean;
  readonly durationMs: number;
  readonly queueMs?: number | undefined;
  readonly connectMs?: number | undefined;
  readonly firstContentMs?: number | undefined;
  readonly firstByteMs?: number | undefined;
  readonly attempts: readonly RecordedAttempt[];
  readonly usage?: Usage | undefined;
  /** Absent when nothing was charged. */
  readonly cost?: number | 'unknown' | undefined;
  readonly priceVersion?: string | undefined;
  readonly chunks: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Paths of the request that the target could not carry. */
  readonly lossy: readonly string[];
  readonly links: RecordLinks;
  /** From `x-bf-lh-*` request headers. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names the config that served it. */
  readonly generation: string;
  readonly decisions: readonly Decision[];
  /** Only when the operator turned it on; lists leave it out. */
  readonly content?: RecordedContent | undefined;
}

export interface RecordedCaller {
  readonly id: string;
  readonly kind: string;
  readonly name?: string | undefined;
  readonly team?: string | undefined;
  readonly customer?: string | undefined;
}

export interface RecordedAttempt {
  readonly provider: string;
  readonly model: string;
  readonly key?: string | undefined;
  readonly result: 'ok' | 'failed' | 'abandoned';
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  /** From the start of the exchange. */
  readonly startedMs?: number | undefined;
  readonly durationMs: number;
  readonly firstContentMs?: number | undefined;
}

/** Request and reply, redacted; a text where a side is not JSON or was cut to the size limit. */
export interface RecordedContent {
  readonly request?: JsonValue;
  readonly response?: JsonValue;
  readonly truncated: boolean;
}

/** What other plugins know of an exchange that its record should say. */
export interface RecordLinks {
  /** How a cache answered, such as `hit`, `semantic` or `miss`. */
  readonly cache?: string;
  readonly job?: string;
  /** Id of the exchange that caused this one. */
  readonly parent?: string;
  /** Id of the reply, by which a later request may refer to it. */
  readonly response?: string;
}

/** Set by plugins before `postLog`; a later one adds its link to what is there. */
export const recordLinksSlot = defineSlot<RecordLinks>('record-links');

/** What records can be filtered and grouped by. */
export const recordDimensions = [
  'provider',
  'model',
  'clientModel',
  'key',
  'caller',
  'team',
  'customer',
  'operation',
  'dialect',
  'error',
  'finish',
  'origin',
  'cache',
  'status',
] as const;
export type RecordDimension = (typeof recordDimensions)[number];

/** Every condition must hold; of the values of one dimension any may. `''` stands for none. */
export interface RecordFilter {
  /** Milliseconds since 1970; `to` is not included. */
  readonly from?: number;
  readonly to?: number;
  readonly is?: Readonly<Partial<Record<RecordDimension, readonly string[]>>>;
  readonly stream?: boolean;
  /** True: status 400 and up, or a stream that broke after its head; not one that the client left. */
  readonly failed?: boolean;
  /** True: a call was made, but its price was not known. */
  readonly unknownCost?: boolean;
  readonly minDurationMs?: number;
  readonly maxDurationMs?: number;
  readonly minTokens?: number;
  readonly maxTokens?: number;
  readonly minCost?: number;
  readonly maxCost?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Part of an id, name, model, error or piece of metadata, in any case; a whole id finds its record alone. */
  readonly text?: string;
}

export interface RecordQuery {
  readonly filter: RecordFilter;
  readonly sort: 'time' | 'duration' | 'cost' | 'tokens';
  readonly order: 'desc' | 'asc';
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface RecordPage {
  /** Without content. */
  readonly records: readonly ExchangeRecord[];
  /** Absent on the last page. */
  readonly next?: string;
}

export interface AggregateQuery {
  readonly filter: RecordFilter;
  readonly by?: RecordDimension;
  /** A time bucket: a calendar window in UTC, weeks from Monday; one bucket for all when absent. */
  readonly bucket?: Period;
  /** Groups beyond the largest so many are added up as one whose `key` is `undefined`. */
  readonly limit: number;
}

export interface RecordGroup {
  /** Value of the dimension; `''` for records without one. */
  readonly key: string | undefined;
  /** Start of the time bucket, milliseconds since 1970. */
  readonly time?: number;
  readonly requests: number;
  /** Status 400 and up, and streams that broke after their head; not those that the client left. */
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  readonly cost: number;
  readonly unknownCosts: number;
  readonly durationMs: Percentiles;
  readonly firstContentMs: Percentiles;
}

/** Within 3 % of the true values; `undefined` when nothing was measured. */
export interface Percentiles {
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

export interface StoredResponse {
  readonly id: string;
  readonly time: number;
  readonly request: JsonValue;
  readonly response: JsonValue;
}

export interface RecordCost {
  readonly id: string;
  readonly cost: number | 'unknown';
  readonly priceVersion?: string;
}

/** The store of records. */
export interface Records {
  /** All or none. */
  append(records: readonly ExchangeRecord[]): MaybePromise<void>;
  /** With its content. */
  get(id: string): MaybePromise<ExchangeRecord | undefined>;
  query(query: RecordQuery): MaybePromise<RecordPage>;
  aggregate(query: AggregateQuery): MaybePromise<readonly RecordGroup[]>;
  /** All that match, in the order in which they were appended; without content unless asked. */
  scan(filter: RecordFilter, withContent: boolean): AsyncIterable<ExchangeRecord>;
  /** Records appended since a position, by all processes; without a position only the present one. */
  follow(
    position: number | undefined,
    limit: number,
  ): MaybePromise<{ readonly records: readonly ExchangeRecord[]; readonly position: number }>;
  /** The reply of that id that the same caller got, when its whole content was kept: for `previous_response_id`. */
  findResponse(id: string, callerId: string): MaybePromise<StoredResponse | undefined>;
  /** Corrects costs, after prices were corrected. */
  setCosts(costs: readonly RecordCost[]): MaybePromise<void>;
  /** Removes the oldest until all are younger than `before` and take no more than `maxBytes`. Gives how many went. */
  prune(limits: { readonly before?: number; readonly maxBytes?: number }): MaybePromise<number>;
  stats(): MaybePromise<RecordStats>;
}

export interface RecordStats {
  readonly records: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly oldest: number | undefined;
}

export const recordsPort = definePort<Records>('records');

/** The queue between exchanges and the store, for metrics and pages. */
export interface RecordQueue {
  stats(): RecordQueueStats;
}

export interface RecordQueueStats {
  readonly queued: number;
  readonly written: number;
  /** Lost, because the store was too slow or down for longer than the queue lasts. */
  readonly dropped: number;
  /** Writes that failed and were tried again. */
  readonly failures: number;
}

export const recordQueuePort = definePort<RecordQueue>('record-queue');
