import { type Caller, callerSlot, type Decision, type Outcome, type RoutedExchange } from '../../plugin-sdk/index.ts';
import { jobRunSlot } from '../../plugin-sdk/ports/jobs.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';
import {
  type ExchangeRecord,
  type RecordedAttempt,
  type RecordedContent,
  type RecordLinks,
  recordLinksSlot,
} from '../../plugin-sdk/ports/records.ts';

const anonymous: Caller = { id: 'anonymous', kind: 'anonymous' };
const metadataPrefix = 'x-bf-lh-';
const maxMetadata = 16;
const maxMetadataLength = 256;
const maxName = 200;
const maxLossy = 20;
/** A record is a row of some hundred bytes; what an exchange's plugins noted must not make it a book. */
const maxDecisionBytes = 600;
const noLinks: RecordLinks = {};
const noMetadata: Readonly<Record<string, string>> = {};

/** What of an exchange is worth keeping. Holds names and numbers only: no header values, no keys, no bodies. */
export function recordOf(
  exchange: RoutedExchange,
  outcome: Outcome,
  generation: string,
  metadataHeaders: readonly string[],
  redact: (text: string) => string,
): ExchangeRecord {
  const serving = outcome.attempts.findLast((attempt) => attempt.result === 'ok') ?? outcome.attempts.at(-1);
  const target = serving ?? exchange.targets[0];
  const cost = exchange.get(costSlot);
  const caller = exchange.get(callerSlot) ?? anonymous;
  const { team, customer } = caller;
  return {
    id: exchange.id,
    time: exchange.time,
    operation: exchange.operation,
    dialect: exchange.dialect.id,
    stream: exchange.stream,
    caller: { id: caller.id, kind: caller.kind, name: caller.name, team, customer },
    clientModel: short(exchange.model),
    provider: target?.provider,
    model: short(target?.model),
    key: serving?.key,
    status: outcome.status,
    error: outcome.error?.code,
    finish: short(outcome.finish),
    origin: outcome.origin,
    clientGone: outcome.clientGone,
    durationMs: outcome.durationMs,
    queueMs: outcome.queueMs,
    connectMs: serving?.connectMs,
    firstContentMs: serving?.firstContentMs,
    firstByteMs: outcome.firstByteMs,
    attempts: outcome.attempts.map(attemptOf),
    usage: outcome.usage,
    cost: cost === undefined || cost === 'unknown' ? cost : cost.nanoUsd,
    priceVersion: cost === undefined || cost === 'unknown' ? undefined : cost.version,
    chunks: outcome.chunks,
    bytesIn: outcome.bytesIn,
    bytesOut: outcome.bytesOut,
    lossy: outcome.lossy.slice(0, maxLossy).map((path) => short(path)),
    links: linksOf(exchange),
    metadata: metadataOf(exchange, metadataHeaders, redact),
    generation,
    decisions: within(outcome.decisions, maxDecisionBytes),
  };
}

/** The record with its content, linked to the id of its reply. */
export function withContent(
  record: ExchangeRecord,
  content: RecordedContent,
  responseId: string | undefined,
): ExchangeRecord {
  const links: RecordLinks = responseId === undefined ? record.links : { ...record.links, response: responseId };
  return { ...record, links, content };
}

function linksOf(exchange: RoutedExchange): RecordLinks {
  const links = exchange.get(recordLinksSlot) ?? noLinks;
  const run = exchange.get(jobRunSlot);
  return run === undefined ? links : { ...links, job: run.id };
}

function attemptOf(attempt: Outcome['attempts'][number]): RecordedAttempt {
  return {
    provider: attempt.provider,
    model: short(attempt.model),
    key: attempt.key,
    result: attempt.result,
    status: attempt.status,
    error: attempt.error?.code,
    startedMs: attempt.startedMs,
    durationMs: attempt.durationMs,
    firstContentMs: attempt.firstContentMs,
  };
}

function metadataOf(
  exchange: RoutedExchange,
  headers: readonly string[],
  redact: (text: string) => string,
): Readonly<Record<string, string>> {
  const found = exchange.request.headers.startingWith(metadataPrefix);
  for (const name of headers) {
    const value = exchange.request.headers.get(name);
    if (value !== undefined) found.push([name, value]);
  }
  if (found.length === 0) return noMetadata;
  return Object.fromEntries(
    found
      .slice(0, maxMetadata)
      .map(([name, value]) => [name.slice(0, maxName), redact(value).slice(0, maxMetadataLength)]),
  );
}

function within(decisions: readonly Decision[], maxBytes: number): readonly Decision[] {
  if (decisions.length === 0) return decisions;
  let left = maxBytes;
  return decisions.filter((one) => {
    left -= one.by.length + one.what.length + 16 + (one.details === undefined ? 0 : JSON.stringify(one.details).length);
    return left >= 0;
  });
}

/** Clients choose these names. */
function short(text: string): string;
function short(text: string | undefined): string | undefined;
function short(text: string | undefined): string | undefined {
  return text?.slice(0, maxName);
}
