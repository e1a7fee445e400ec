import type { AttemptRecord, Exchange, Operation, Outcome, Usage } from '../../plugin-sdk/index.ts';
import type { Charge } from './charge.ts';

/** Operations for which a provider that says nothing about usage has still used tokens. */
const generating: ReadonlySet<Operation> = new Set([
  'chat',
  'responses',
  'completions',
  'embeddings',
  'passthrough',
  'images.generate',
  'images.edit',
  'images.variation',
  'audio.speech',
  'audio.transcription',
  'audio.translation',
]);

/** Bytes on the wire per token of an answer: a stream wraps every few tokens in JSON of its own. */
const streamedBytesPerToken = 64;
const wholeBytesPerToken = 4;

export interface Used {
  readonly usage: Usage;
  /** The provider did not say it all: what passed was measured instead. */
  readonly estimated: boolean;
}

/**
 * What an attempt used; `undefined` when nothing. A complete answer is what the provider reports. One that was cut, or
 * reported nothing, is measured by what was sent and what passed, so that leaving early is not free; an attempt that
 * failed before its first content is.
 */
export function usedBy(record: AttemptRecord, exchange: Exchange, outcome: Outcome, charge: Charge): Used | undefined {
  const pieces = record.result === 'ok' ? piecesOf(charge) : {};
  if (record.result === 'ok' && record.usage !== undefined)
    return { usage: { ...pieces, ...record.usage }, estimated: false };
  if (usedNothing(record)) return undefined;
  if (!generating.has(exchange.operation) || exchange.model === undefined || charge.isReading) {
    return record.usage === undefined ? undefined : { usage: record.usage, estimated: false };
  }
  const { estimate } = charge;
  const served = outcome.attempts.at(-1) === record && record.firstContentMs !== undefined;
  const perToken = exchange.stream ? streamedBytesPerToken : wholeBytesPerToken;
  const passed = served ? Math.min(Math.ceil(outcome.bytesOut / perToken), estimate.outputTokens) : 0;
  const { usage } = record;
  const input = usage === undefined || usage.input === 0 ? Math.ceil(estimate.inputTokens / 2) : usage.input;
  return {
    usage: { ...pieces, ...usage, input, output: Math.max(usage?.output ?? 0, passed) },
    estimated: true,
  };
}

/** Providers do not charge for a call that they refuse or never answer. */
export function usedNothing({ result, usage, status, firstContentMs }: AttemptRecord): boolean {
  if (usage !== undefined || result === 'ok') return false;
  return (status ?? 0) >= 400 || (result === 'failed' && firstContentMs === undefined);
}

/** Only the request says how many images or characters a provider charges. */
function piecesOf(charge: Charge): Partial<Usage> {
  const { operation } = charge.exchange;
  if (!operation.startsWith('images.') && operation !== 'audio.speech') return {};
  const { images, characters } = charge.estimate;
  return { ...(images === undefined ? {} : { images }), ...(characters === undefined ? {} : { characters }) };
}
