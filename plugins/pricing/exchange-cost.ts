import type { JsonValue, Operation, Outcome, RoutedExchange, Usage, UsedAttempt } from '../../plugin-sdk/index.ts';
import { callerSlot } from '../../plugin-sdk/index.ts';
import type { Cost, UsageFacts } from '../../plugin-sdk/ports/prices.ts';
import type { SynchronousPrices } from './create-prices.ts';

/**
 * What an exchange did cost: the sum over the attempts that used something, each at its own target's price. An attempt
 * that failed before the provider made anything costs nothing; one that was cut after content costs what it reported.
 * `unknown` when one of them has no price, or answered without saying what it used; `undefined` when nothing was used (a refusal, a cache hit, a job's poll).
 */
export function exchangeCost(
  exchange: RoutedExchange,
  outcome: Pick<Outcome, 'usage' | 'origin'> & { readonly attempts: readonly UsedAttempt[] },
  prices: SynchronousPrices,
): Cost | 'unknown' | undefined {
  const serving = outcome.attempts.findLast((attempt) => attempt.result === 'ok') ?? outcome.attempts.at(-1);
  let nanoUsd = 0;
  let version: string | undefined;
  let unknown = false;
  for (const attempt of outcome.attempts) {
    const usage = attempt.usage ?? (attempt === serving && outcome.origin === 'upstream' ? outcome.usage : undefined);
    const facts = factsOf(exchange, attempt, usage);
    if (facts === undefined) {
      unknown ||= attempt.result === 'ok' && exchange.request.method === 'POST' && charged.has(exchange.operation);
      continue;
    }
    const cost = prices.cost(facts);
    if (cost === 'unknown') {
      unknown = true;
      continue;
    }
    nanoUsd += cost.nanoUsd;
    version ??= cost.version;
  }
  if (unknown) return 'unknown';
  return version === undefined ? undefined : { nanoUsd, version };
}

/** Operations that a provider charges for whenever it answers them. */
const charged: ReadonlySet<Operation> = new Set([
  'chat',
  'responses',
  'completions',
  'embeddings',
  'images.generate',
  'images.edit',
  'images.variation',
  'audio.speech',
  'audio.transcription',
  'audio.translation',
  'rerank',
]);

/** Facts for {@link SynchronousPrices.cost}; `undefined` for an attempt that used nothing, or did not say what. */
function factsOf(exchange: RoutedExchange, attempt: UsedAttempt, reported: Usage | undefined): UsageFacts | undefined {
  const pieces = attempt.result === 'ok' ? piecesOf(exchange) : noPieces;
  const used = reported ?? pieces.usage;
  if (used === undefined) return undefined;
  const usage = pieces.usage === undefined ? used : { ...pieces.usage, ...used };
  const caller = exchange.get(callerSlot);
  return {
    provider: attempt.provider,
    model: attempt.model,
    otherModels: otherModelsOf(exchange, attempt),
    operation: exchange.operation,
    at: exchange.time,
    serviceTier: usage.serviceTier ?? textOf(exchange, 'service_tier'),
    virtualKey: caller?.kind === 'virtual-key' ? caller.id : undefined,
    key: attempt.key,
    imageSize: pieces.imageSize,
    imageQuality: pieces.imageQuality,
    usage,
  };
}

/** Of the provider's targets, and the client's; most calls have no other. */
function otherModelsOf({ targets, model: asked }: RoutedExchange, attempt: UsedAttempt): string[] | undefined {
  let others: string[] | undefined;
  const add = (model: string): void => {
    if (model !== attempt.model && others?.includes(model) !== true) (others ??= []).push(model);
  };
  for (const target of targets) if (target.provider === attempt.provider) add(target.model);
  if (asked !== undefined) add(withoutProvider(asked, attempt.provider));
  return others;
}

interface RequestedPieces {
  readonly usage?: Usage;
  readonly imageSize?: string | undefined;
  readonly imageQuality?: string | undefined;
}

const noPieces: RequestedPieces = {};

/** What only the request says about pieces: providers report neither the images nor the characters that they charge. */
function piecesOf(exchange: RoutedExchange): RequestedPieces {
  const { operation } = exchange;
  if (operation.startsWith('images.')) {
    const wanted = memberOf(exchange, 'n');
    return {
      usage: { input: 0, output: 0, images: typeof wanted === 'number' ? wanted : 1 },
      imageSize: textOf(exchange, 'size'),
      imageQuality: textOf(exchange, 'quality'),
    };
  }
  if (operation === 'audio.speech')
    return { usage: { input: 0, output: 0, characters: textOf(exchange, 'input')?.length ?? 0 } };
  return noPieces;
}

function textOf(exchange: RoutedExchange, name: string): string | undefined {
  const value = memberOf(exchange, name);
  return typeof value === 'string' ? value : undefined;
}

function memberOf(exchange: RoutedExchange, name: string): JsonValue | undefined {
  const { body } = exchange.request;
  if (body.kind !== 'bytes' || !body.isJson) return undefined;
  try {
    return body.member(name);
  } catch {
    return undefined;
  }
}

function withoutProvider(model: string, provider: string): string {
  return model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
}
