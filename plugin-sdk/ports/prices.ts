import type { Usage } from '../conversation/index.ts';
import type { MaybePromise } from '../maybe.ts';
import type { Operation } from '../operations.ts';
import { definePort } from '../ports.ts';
import { defineSlot } from '../slot.ts';

/**
 * What a call costs. One price book answers both questions, so that a reservation and its settlement cannot disagree.
 * Money is integer nano-USD (1 USD = 1,000,000,000), exact up to nine million dollars.
 */
export interface Prices {
  /** The most that the call can cost: every input token at the dearest input price, every output token generated. */
  reserve(facts: ReserveFacts): MaybePromise<Price | 'unknown'>;
  /** What the call did cost. */
  cost(facts: UsageFacts): MaybePromise<Cost | 'unknown'>;
  /** How large calls of a model can be; absent, or without a number, where nobody knows. */
  sizeOf?(call: PricedCall): MaybePromise<ModelSize>;
  /** What becomes of a call without a price when a budget applies; `refuse` when absent. */
  readonly unknown?: 'allow' | 'refuse';
}

export interface PricedCall {
  /** Instance name of the configured provider. */
  readonly provider: string;
  /** The model as that provider names it; `''` when the call names none. */
  readonly model: string;
  /** Other names of the same model (the target's before a key's alias, the client's), tried in order after `model`. */
  readonly otherModels?: readonly string[] | undefined;
  readonly operation: Operation;
  /** Milliseconds since 1970; prices have effective dates. */
  readonly at: number;
  /** As the client asked for it, or the reply named it: `default`, `priority`, `flex`, `batch`. */
  readonly serviceTier?: string | undefined;
  /** Id of the virtual key, for overrides. */
  readonly virtualKey?: string | undefined;
  /** Name of the provider key, for overrides. */
  readonly key?: string | undefined;
  /** As in the request, such as `1024x1024`, for images that are priced by size and quality. */
  readonly imageSize?: string | undefined;
  readonly imageQuality?: string | undefined;
}

export interface ReserveFacts extends PricedCall {
  /** Upper bound of the input tokens. */
  readonly inputTokens: number;
  /** Upper bound of the output tokens, over all wanted answers. */
  readonly outputTokens: number;
  /** Images that will be made. */
  readonly images?: number | undefined;
  /** Seconds of audio sent or wanted. */
  readonly audioSeconds?: number | undefined;
  /** Characters to speak. */
  readonly characters?: number | undefined;
  /** Web searches that the provider may make. */
  readonly searches?: number | undefined;
  /** False when nothing in the request can be written to the provider's prompt cache, whose writes may cost more than input. */
  readonly mayWriteCache?: boolean;
  /** False when the request neither sends nor asks for audio. */
  readonly mayUseAudio?: boolean;
}

export interface UsageFacts extends PricedCall {
  readonly usage: Usage;
}

/** Facts of a model that bound what one call can use. */
export interface ModelSize {
  /** Most output tokens of one answer, reasoning included. */
  readonly maxOutputTokens?: number;
  /** Most tokens of input and output together. */
  readonly contextWindow?: number;
  /** Input tokens that are charged besides those of the request: a prompt or searches of the model's own. */
  readonly ownInputTokens?: number;
}

export interface Price {
  /** Integer, zero or more. Zero is a price: the model is free. */
  readonly nanoUsd: number;
}

export interface Cost extends Price {
  /** Names the price book that said so, such as `2026-11-01`. */
  readonly version: string;
}

/** What the exchange did cost, over all its attempts. Set in `postLog` by `plugins/pricing`; read it `after` that plugin. */
export const costSlot = defineSlot<Cost | 'unknown'>('cost');

export const pricesPort = definePort<Prices>('prices');
