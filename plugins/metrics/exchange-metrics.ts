import {
  type AttemptRecord,
  genAi,
  genAiErrorType,
  genAiOperation,
  labelName,
  type Outcome,
  type RoutedExchange,
} from '../../plugin-sdk/index.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';
import { recordLinksSlot } from '../../plugin-sdk/ports/records.ts';
import { nanoPerUsd } from '../../plugin-sdk/usd.ts';
import { BoundedNames } from './bounded-names.ts';
import { ByNames } from './by-names.ts';
import {
  type CounterSeries,
  type HistogramSeries,
  type Labels,
  SeriesCounter,
  SeriesHistogram,
  type SeriesMetric,
} from './series.ts';

/** Bucket bounds in seconds and tokens, as OpenTelemetry advises for each metric. */
const durationBounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const firstTokenBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const perTokenBounds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const tokenBounds = Array.from({ length: 14 }, (_, i) => 4 ** i);
const overheadBounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const waitBounds = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60];

/** Of a request that reached no provider, or a call that names no model or key. */
const none = '';
const tokenType = labelName(genAi.tokenType);

/** What one combination of labels counts; each series is made when first needed and then reached by a look into some maps. */
interface ExchangeSeries {
  readonly labels: Labels;
  readonly duration: HistogramSeries;
  firstToken?: HistogramSeries;
  perToken?: HistogramSeries;
  input?: HistogramSeries;
  output?: HistogramSeries;
  cost?: CounterSeries;
  unpriced?: CounterSeries;
}

interface AttemptSeries {
  readonly labels: Labels;
  readonly duration: HistogramSeries;
  readonly count: CounterSeries;
  firstChunk?: HistogramSeries;
}

/** Counts exchanges as they end. Values live as long as the process; a reload goes on counting. */
export class ExchangeMetrics {
  readonly #models: BoundedNames;
  readonly #keys: BoundedNames;
  readonly #exchanges = new ByNames<ExchangeSeries>();
  readonly #attempts = new ByNames<AttemptSeries>();
  readonly #requests = new ByNames<CounterSeries>();
  readonly #overheads = new ByNames<HistogramSeries>();

  readonly #requestCount = new SeriesCounter('bifrost_requests_total', 'Requests by what became of them.');
  readonly #duration = new SeriesHistogram(
    'gen_ai_server_request_duration_seconds',
    'Time from the head of a request to the last byte of its reply.',
    durationBounds,
  );
  readonly #firstToken = new SeriesHistogram(
    'gen_ai_server_time_to_first_token_seconds',
    'Time from the head of a streamed request to its first content.',
    firstTokenBounds,
  );
  readonly #perToken = new SeriesHistogram(
    'gen_ai_server_time_per_output_token_seconds',
    'Time per output token after the first, of streams.',
    perTokenBounds,
  );
  readonly #tokens = new SeriesHistogram('gen_ai_client_token_usage', 'Tokens that calls used.', tokenBounds);
  readonly #cost = new SeriesCounter('bifrost_cost_usd_total', 'What calls cost, in US dollars.');
  readonly #unpriced = new SeriesCounter('bifrost_unpriced_requests_total', 'Requests whose price is not known.');
  readonly #attemptDuration = new SeriesHistogram(
    'gen_ai_client_operation_duration_seconds',
    'Time of one attempt at a provider.',
    durationBounds,
  );
  readonly #firstChunk = new SeriesHistogram(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'Time of one streamed attempt to its first content.',
    durationBounds,
  );
  readonly #attemptCount = new SeriesCounter('bifrost_attempts_total', 'Attempts by key and result.');
  readonly #overhead = new SeriesHistogram(
    'bifrost_gateway_overhead_seconds',
    'Time of a request that was not spent at providers or in a queue. Only of requests with one attempt.',
    overheadBounds,
  );
  readonly #queueWait: HistogramSeries;
  readonly metrics: readonly SeriesMetric[];

  constructor(maxModels: number) {
    this.#models = new BoundedNames(maxModels);
    this.#keys = new BoundedNames(maxModels);
    const queueWait = new SeriesHistogram(
      'bifrost_queue_wait_seconds',
      'Time that requests waited for a place.',
      waitBounds,
    );
    this.#queueWait = queueWait.series({});
    this.metrics = [
      this.#requestCount,
      this.#duration,
      this.#firstToken,
      this.#perToken,
      this.#tokens,
      this.#cost,
      this.#unpriced,
      this.#attemptDuration,
      this.#firstChunk,
      this.#attemptCount,
      this.#overhead,
      queueWait,
    ];
  }

  /** `providerName` says what OpenTelemetry calls an instance. */
  count(exchange: RoutedExchange, outcome: Outcome, providerName: (instance: string) => string): void {
    const { attempts, queueMs } = outcome;
    const isHit = isCacheHit(exchange);
    // Not by the origin: a call that was cut off has used something too, though the gateway itself ended it.
    const usage = isHit || attempts.length === 0 ? undefined : outcome.usage;
    const serving = attempts.findLast((attempt) => attempt.result === 'ok') ?? attempts.at(-1);
    const target = serving ?? exchange.targets[0];
    const provider = target === undefined ? none : providerName(target.provider);
    const proven = serving?.result === 'ok' || isHit;
    const model = target === undefined || target.model === '' ? none : this.#models.place(target.model, proven);
    const error = outcome.error === undefined ? '' : genAiErrorType(outcome.error);
    const series = this.#exchangeSeries(genAiOperation(exchange.operation), provider, model, error);
    const { labels } = series;
    series.duration.observe(outcome.durationMs / 1_000);
    if (usage !== undefined) {
      (series.input ??= this.#tokens.series({ ...labels, [tokenType]: 'input' })).observe(usage.input);
      if (usage.output > 0)
        (series.output ??= this.#tokens.series({ ...labels, [tokenType]: 'output' })).observe(usage.output);
    }
    const first = serving?.firstContentMs;
    if (exchange.stream && serving !== undefined && first !== undefined) {
      (series.firstToken ??= this.#firstToken.series(labels)).observe((serving.startedMs + first) / 1_000);
      if (usage !== undefined && usage.output > 1) {
        const each = (serving.durationMs - first) / 1_000 / (usage.output - 1);
        (series.perToken ??= this.#perToken.series(labels)).observe(each);
      }
    }
    const cost = isHit ? undefined : exchange.get(costSlot);
    if (cost === 'unknown') (series.unpriced ??= this.#unpriced.series(labels)).value += 1;
    else if (cost !== undefined) (series.cost ??= this.#cost.series(labels)).value += cost.nanoUsd / nanoPerUsd;
    if (queueMs !== undefined) this.#queueWait.observe(queueMs / 1_000);
    this.#requestSeries(exchange, outcome).value += 1;
    if (attempts.length === 1) {
      const [only] = attempts as [AttemptRecord];
      const own = outcome.durationMs - (only.upstreamMs ?? only.durationMs) - (queueMs ?? 0);
      this.#overheadSeries(exchange).observe(Math.max(0, own) / 1_000);
    }
    for (const attempt of attempts) this.#countAttempt(exchange, attempt, providerName);
  }

  #countAttempt(exchange: RoutedExchange, attempt: AttemptRecord, providerName: (instance: string) => string): void {
    const ok = attempt.result === 'ok';
    const model = attempt.model === '' ? none : this.#models.place(attempt.model, ok);
    const key = attempt.key === undefined ? none : this.#keys.place(attempt.key, ok);
    const error = attempt.error === undefined ? '' : genAiErrorType(attempt.error);
    const operation = genAiOperation(exchange.operation);
    const names = [operation, attempt.provider, key, attempt.result, error, model];
    let series = this.#attempts.get(names);
    if (series === undefined) {
      const labels = {
        ...labelsOf(operation, providerName(attempt.provider), model, error),
        provider: attempt.provider,
        ...(key === none ? {} : { key }),
        result: attempt.result,
      };
      series = { labels, duration: this.#attemptDuration.series(labels), count: this.#attemptCount.series(labels) };
      this.#attempts.set(names, series);
    }
    series.count.value += 1;
    series.duration.observe(attempt.durationMs / 1_000);
    if (!exchange.stream || attempt.firstContentMs === undefined) return;
    (series.firstChunk ??= this.#firstChunk.series(series.labels)).observe(attempt.firstContentMs / 1_000);
  }

  #exchangeSeries(operation: string, provider: string, model: string, error: string): ExchangeSeries {
    const names = [operation, provider, error, model];
    let series = this.#exchanges.get(names);
    if (series === undefined) {
      const labels = labelsOf(operation, provider, model, error);
      series = { labels, duration: this.#duration.series(labels) };
      this.#exchanges.set(names, series);
    }
    return series;
  }

  #requestSeries({ operation, dialect }: RoutedExchange, { status, origin }: Outcome): CounterSeries {
    const names = [operation, dialect.id, status, origin];
    let series = this.#requests.get(names);
    if (series === undefined) {
      series = this.#requestCount.series({ operation, dialect: dialect.id, status: String(status), origin });
      this.#requests.set(names, series);
    }
    return series;
  }

  #overheadSeries({ operation, stream }: RoutedExchange): HistogramSeries {
    const names = [operation, stream];
    let series = this.#overheads.get(names);
    if (series === undefined) {
      series = this.#overhead.series({ operation, stream: String(stream) });
      this.#overheads.set(names, series);
    }
    return series;
  }
}

/** What a hit is charged is between its caller and the gateway: no provider was used or paid. */
function isCacheHit(exchange: RoutedExchange): boolean {
  const kind = exchange.get(recordLinksSlot)?.cache;
  return kind !== undefined && kind !== 'miss';
}

function labelsOf(operation: string, provider: string, model: string, error: string): Labels {
  return {
    [labelName(genAi.operationName)]: operation,
    ...(provider === '' ? {} : { [labelName(genAi.providerName)]: provider }),
    ...(model === '' ? {} : { [labelName(genAi.requestModel)]: model }),
    ...(error === '' ? {} : { [labelName(genAi.errorType)]: error }),
  };
}
