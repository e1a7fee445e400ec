import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  type AttemptRecord,
  defineSlot,
  type Exchange,
  genAiOperation,
  type HookStep,
  type Host,
  type Outcome,
  type RoutedExchange,
} from '../../plugin-sdk/index.ts';
import { type Job, type JobRun, jobRunSlot } from '../../plugin-sdk/ports/jobs.ts';
import { attemptAttributes, exchangeAttributes, hookAttributes, jobAttributes, spanName } from './attributes.ts';
import type { OtelOptions } from './options.ts';
import { readTraceParent, writeTraceParent } from './trace-parent.ts';
import { createTracer } from './tracer.ts';

interface Traced {
  readonly span: Span;
  /** Around the exchange when it runs a job: from submission to end. */
  readonly job: Span | undefined;
}

const tracedSlot = defineSlot<Traced>('trace');
/** These hooks run within an attempt. */
const attemptHooks: ReadonlySet<string> = new Set(['selectKey', 'execute']);

/** Turns exchanges into spans. A span of the exchange is open while it runs; all below it are made once it is over. */
export class Tracing {
  readonly #tracer;
  readonly #close: () => Promise<void>;
  readonly #options: OtelOptions;
  readonly #host: Host;

  constructor(options: OtelOptions, host: Host) {
    const { tracer, close } = createTracer(options, host.clock, host.log);
    this.#tracer = tracer;
    this.#close = close;
    this.#options = options;
    this.#host = host;
  }

  /** Opens the exchange's span, below the one that its `traceparent` names. `job` is what is stored of the job it runs. */
  begin(exchange: Exchange, run?: JobRun, job?: Job): Traced {
    const remote = readTraceParent(exchange.request.headers.get('traceparent'));
    let parent: Context = remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
    let jobSpan: Span | undefined;
    if (run !== undefined) {
      const startTime = job?.createdAt ?? exchange.time;
      const attributes = jobAttributes(run);
      jobSpan = this.#tracer.startSpan(
        `job ${genAiOperation(exchange.operation)}`,
        { kind: SpanKind.CONSUMER, startTime, attributes },
        parent,
      );
      parent = trace.setSpan(ROOT_CONTEXT, jobSpan);
    }
    const span = this.#tracer.startSpan(
      spanName(exchange as RoutedExchange),
      { kind: SpanKind.SERVER, startTime: exchange.time },
      parent,
    );
    const traced = { span, job: jobSpan };
    exchange.set(tracedSlot, traced);
    if (this.#options.hooks && span.isRecording()) exchange.keepTimeline();
    if (this.#options.propagate) {
      const { request } = exchange;
      // At once, not only upstream: a job that this exchange submits is then run below it.
      exchange.setRequest(
        request.with({ headers: request.headers.with('traceparent', writeTraceParent(span.spanContext())) }),
      );
    }
    return traced;
  }

  end(exchange: RoutedExchange, outcome: Outcome): void {
    // A plugin before this one may have answered before there was a span.
    const { span, job } = exchange.get(tracedSlot) ?? this.begin(exchange, exchange.get(jobRunSlot));
    const endTime = exchange.time + outcome.durationMs;
    if (span.isRecording()) this.#describe(span, exchange, outcome);
    span.end(endTime);
    if (outcome.error !== undefined) job?.setStatus({ code: SpanStatusCode.ERROR, message: outcome.error.code });
    job?.end(endTime);
  }

  close(): Promise<void> {
    return this.#close();
  }

  #describe(span: Span, exchange: RoutedExchange, outcome: Outcome): void {
    const { error } = outcome;
    span.setAttributes(exchangeAttributes(exchange, outcome, this.#host.generation));
    if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error.code });
    for (const { atMs, by, what, details } of outcome.decisions) {
      const said = details === undefined ? {} : { details: JSON.stringify(details) };
      span.addEvent(what, { by, ...said }, exchange.time + atMs);
    }
    const below = trace.setSpan(ROOT_CONTEXT, span);
    const attempts = outcome.attempts.map((attempt) => ({
      attempt,
      context: this.#traceAttempt(attempt, exchange, below),
    }));
    for (const step of outcome.timeline ?? []) {
      if (step.ms < this.#options.hooksFromMs) continue;
      const within = attemptHooks.has(step.hook)
        ? attempts.findLast(({ attempt }) => attempt.startedMs <= step.atMs)
        : undefined;
      this.#traceHook(step, exchange, within?.context ?? below);
    }
  }

  #traceAttempt(attempt: AttemptRecord, exchange: RoutedExchange, below: Context): Context {
    const startTime = exchange.time + attempt.startedMs;
    const provider = this.#provider(attempt.provider);
    const attributes = attemptAttributes(exchange, attempt, provider);
    const name = `${genAiOperation(exchange.operation)} ${attempt.model}`.trim();
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime, attributes }, below);
    if (attempt.firstContentMs !== undefined) span.addEvent('first content', {}, startTime + attempt.firstContentMs);
    if (attempt.error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: attempt.error.code });
    span.end(startTime + attempt.durationMs);
    return trace.setSpan(ROOT_CONTEXT, span);
  }

  #traceHook(step: HookStep, exchange: RoutedExchange, parent: Context): void {
    const startTime = exchange.time + step.atMs;
    const attributes = hookAttributes(step);
    this.#tracer.startSpan(`${step.hook} ${step.plugin}`, { startTime, attributes }, parent).end(startTime + step.ms);
  }

  #provider(instance: string): { name: string; server: URL | undefined } {
    const provider = this.#host.providers.get(instance);
    const server = provider !== undefined && URL.canParse(provider.baseUrl) ? new URL(provider.baseUrl) : undefined;
    return { name: provider?.genAiName ?? instance, server };
  }
}
