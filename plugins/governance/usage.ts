import type { DialectId, KnownDialectId } from '../../plugin-sdk/dialects/dialect.ts';
import type { AttemptRecord, Exchange, Operation, Outcome, Provider, Usage } from '../../plugin-sdk/index.ts';
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

/**
 * Fewest bytes on the wire per token of a streamed answer, framing included, below what any recorded stream had: formats
 * that send several words an event come closer to the text itself.
 */
const streamedBytesPerToken: Partial<Record<DialectId, number>> = {
  'openai.chat': 64,
  'openai.completions': 64,
  'openai.responses': 48,
  'bedrock.converse': 32,
  'bedrock.invoke': 32,
  'cohere.chat': 32,
  'anthropic.messages': 16,
} satisfies Partial<Record<KnownDialectId, number>>;
/** Of any other format, and of a reply that is no stream. */
const fewestBytesPerToken = 3;
const fewestStreamedBytes = 8;

export interface Used {
  readonly usage: Usage;
  /** The provider did not say it all: what passed was measured instead. */
  readonly estimated: boolean;
}

/**
 * What an attempt used; `undefined` when nothing. A complete answer is what the provider reports. Of one that was cut, or
 * reported nothing, only what is sure not to have been used is given back: its whole input is charged, the output that
 * passed, and what the provider may have thought unseen in the time before.
 */
export function usedBy(
  record: AttemptRecord,
  exchange: Exchange,
  outcome: Outcome,
  charge: Charge,
  provider: Provider | undefined,
): Used | undefined {
  const { usage, result } = record;
  const pieces = result === 'ok' ? piecesOf(charge) : undefined;
  if (result === 'ok' && usage !== undefined)
    return { usage: pieces === undefined ? usage : { ...pieces, ...usage }, estimated: false };
  if (usedNothing(record)) return undefined;
  if (!generating.has(exchange.operation) || exchange.model === undefined || charge.isReading) {
    return usage === undefined ? undefined : { usage, estimated: false };
  }
  const served = outcome.attempts.at(-1) === record && record.firstContentMs !== undefined;
  const passed = served ? outcome.bytesOut / bytesPerToken(exchange, provider) : 0;
  const unseenMs = result === 'ok' && !exchange.stream ? 0 : (record.firstContentMs ?? record.durationMs);
  const output = Math.min(Math.ceil(passed + charge.outputIn(unseenMs)), charge.outputTokens);
  const input = usage === undefined || usage.input === 0 ? charge.estimate.inputTokens : usage.input;
  return { usage: { ...pieces, ...usage, input, output: Math.max(usage?.output ?? 0, output) }, estimated: true };
}

/**
 * Providers do not charge for a call that they refuse or never answer. One that was cut, or that we stopped waiting for,
 * they may have worked on.
 */
export function usedNothing({ result, usage, status, error, firstContentMs }: AttemptRecord): boolean {
  if (usage !== undefined || result === 'ok') return false;
  if ((status ?? 0) >= 400) return true;
  const workedOn = error?.code === 'UP_TIMEOUT' || error?.code === 'UP_STREAM_CUT';
  return result === 'failed' && firstContentMs === undefined && !workedOn;
}

/** The fewest of the client's format and of those that the provider speaks, since it decides how much an event holds. */
export function bytesPerToken({ dialect, operation, stream }: Exchange, provider: Provider | undefined): number {
  if (!stream) return fewestBytesPerToken;
  const spoken = provider?.speaks[operation] ?? [];
  const carried = spoken.length === 0 || spoken.some(({ id }) => id === dialect.id);
  const formats = carried ? [dialect] : [dialect, ...spoken];
  return Math.min(...formats.map(({ id }) => streamedBytesPerToken[id] ?? fewestStreamedBytes));
}

/** Only the request says how many images or characters a provider charges. */
function piecesOf(charge: Charge): Partial<Usage> | undefined {
  const { operation } = charge.exchange;
  if (!operation.startsWith('images.') && operation !== 'audio.speech') return undefined;
  const { images, characters } = charge.estimate;
  return { ...(images === undefined ? {} : { images }), ...(characters === undefined ? {} : { characters }) };
}
