import type { Attributes } from '@opentelemetry/api';
import {
  type AttemptRecord,
  callerSlot,
  genAi,
  genAiErrorType,
  genAiOperation,
  type HookStep,
  type Outcome,
  type RoutedExchange,
} from '../../plugin-sdk/index.ts';
import type { JobRun } from '../../plugin-sdk/ports/jobs.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';
import { nanoPerUsd } from '../../plugin-sdk/usd.ts';

/** Attributes that OpenTelemetry has no word for. */
const own = {
  request: 'bifrost.request.id',
  caller: 'bifrost.caller.id',
  dialect: 'bifrost.dialect',
  generation: 'bifrost.config',
  attempts: 'bifrost.attempts',
  attempt: 'bifrost.attempt',
  cost: 'bifrost.cost.usd',
  key: 'bifrost.key.name',
  provider: 'bifrost.provider',
  lossy: 'bifrost.lossy',
  queueMs: 'bifrost.queue_ms',
  upstreamMs: 'bifrost.upstream_ms',
  chunks: 'bifrost.stream.chunks',
  clientGone: 'bifrost.client_gone',
  plugin: 'bifrost.plugin',
  hook: 'bifrost.hook',
  job: 'bifrost.job.id',
  jobAttempt: 'bifrost.job.attempt',
} as const;

/** Members of a request body that callers tune, as most dialects spell them. */
const tuned = [
  ['max_tokens', genAi.requestMaxTokens],
  ['max_completion_tokens', genAi.requestMaxTokens],
  ['max_output_tokens', genAi.requestMaxTokens],
  ['temperature', genAi.requestTemperature],
  ['top_p', genAi.requestTopP],
] as const;

/** `chat gpt-4o`, as the conventions want it. */
export function spanName({ operation, model }: RoutedExchange): string {
  const name = genAiOperation(operation);
  return model === undefined ? name : `${name} ${model}`;
}

export function exchangeAttributes(exchange: RoutedExchange, outcome: Outcome, generation: string): Attributes {
  const { usage, error, finish, queueMs } = outcome;
  const serving = outcome.attempts.findLast((attempt) => attempt.result === 'ok');
  const cost = exchange.get(costSlot);
  return defined({
    [genAi.operationName]: genAiOperation(exchange.operation),
    [genAi.requestModel]: exchange.model,
    [genAi.requestStream]: exchange.stream,
    ...tunedBy(exchange),
    [genAi.responseModel]: serving?.model || undefined,
    [genAi.responseFinishReasons]: finish === undefined ? undefined : [finish],
    [genAi.responseTimeToFirstChunk]:
      exchange.stream && serving?.firstContentMs !== undefined
        ? (serving.startedMs + serving.firstContentMs) / 1_000
        : undefined,
    [genAi.usageInputTokens]: usage?.input,
    [genAi.usageOutputTokens]: usage?.output,
    [genAi.usageCacheReadTokens]: usage?.cachedInput,
    [genAi.usageCacheCreationTokens]: usage?.cacheWriteInput,
    [genAi.usageReasoningTokens]: usage?.reasoning,
    [genAi.errorType]: error === undefined ? undefined : genAiErrorType(error),
    [genAi.httpRequestMethod]: exchange.request.method,
    [genAi.httpRoute]: exchange.route.path,
    [genAi.httpResponseStatusCode]: outcome.status,
    [own.request]: exchange.id,
    [own.caller]: exchange.get(callerSlot)?.id,
    [own.dialect]: exchange.dialect.id,
    [own.generation]: generation,
    [own.attempts]: outcome.attempts.length,
    [own.cost]: cost === undefined || cost === 'unknown' ? undefined : cost.nanoUsd / nanoPerUsd,
    [own.lossy]: outcome.lossy.length === 0 ? undefined : [...outcome.lossy],
    [own.queueMs]: queueMs,
    [own.chunks]: exchange.stream ? outcome.chunks : undefined,
    [own.clientGone]: outcome.clientGone || undefined,
  });
}

/** `server` is where the provider is configured to be. */
export function attemptAttributes(
  exchange: RoutedExchange,
  attempt: AttemptRecord,
  provider: { readonly name: string; readonly server: URL | undefined },
): Attributes {
  const { server } = provider;
  const { usage } = attempt;
  return defined({
    [genAi.operationName]: genAiOperation(exchange.operation),
    [genAi.providerName]: provider.name,
    [genAi.requestModel]: attempt.model || undefined,
    [genAi.requestStream]: exchange.stream,
    [genAi.responseTimeToFirstChunk]:
      exchange.stream && attempt.firstContentMs !== undefined ? attempt.firstContentMs / 1_000 : undefined,
    [genAi.usageInputTokens]: usage?.input,
    [genAi.usageOutputTokens]: usage?.output,
    [genAi.errorType]: attempt.error === undefined ? undefined : genAiErrorType(attempt.error),
    [genAi.httpResponseStatusCode]: attempt.status,
    [genAi.serverAddress]: server?.hostname,
    [genAi.serverPort]: server === undefined ? undefined : portOf(server),
    [own.provider]: attempt.provider,
    [own.key]: attempt.key,
    [own.attempt]: attempt.number,
    [own.upstreamMs]: attempt.upstreamMs,
  });
}

export function hookAttributes({ plugin, hook }: HookStep): Attributes {
  return { [own.plugin]: plugin, [own.hook]: hook };
}

export function jobAttributes(run: JobRun): Attributes {
  return { [own.job]: run.id, [own.jobAttempt]: run.attempt };
}

function tunedBy({ request }: RoutedExchange): Attributes {
  const { body } = request;
  if (body.kind !== 'bytes') return {};
  const found: Attributes = {};
  try {
    for (const [member, attribute] of tuned) {
      const value = body.member(member);
      if (typeof value === 'number') found[attribute] = value;
    }
  } catch {
    // A body that is no JSON tunes nothing.
  }
  return found;
}

function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function defined(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
