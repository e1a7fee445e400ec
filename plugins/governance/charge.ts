import { defineSlot, type Exchange, type GatewayRequest, type Target } from '../../plugin-sdk/index.ts';
import type { ModelSize, PricedCall } from '../../plugin-sdk/ports/prices.ts';
import type { Amounts } from './accounts.ts';
import { type Estimate, estimate } from './estimate.ts';
import type { Estimates } from './options.ts';
import type { Subject } from './subject.ts';

/** What one exchange has reserved. */
export class Charge {
  readonly subject: Subject;
  readonly exchange: Exchange;
  readonly #request: GatewayRequest;
  readonly #estimates: Estimates;
  #estimate: Estimate | undefined;
  /** Output tokens per answer that we state for a request which states none. */
  outputLimit: number | undefined = undefined;
  /** On the accounts of the caller; pays for one attempt at any target. */
  reservation: string | undefined = undefined;
  /** What that reservation holds. */
  amounts: Amounts = oneCall;
  /** More of the same, for attempts beside one that may have used something. */
  readonly further: string[] = [];
  /** Reservations whose attempt is known to have used nothing. */
  free = 0;
  /** On the accounts of an attempt's target, by the attempt's number. */
  readonly ofTargets = new Map<number, string>();

  /** Where {@link Charges} has it, once something is reserved. */
  place: number | undefined = undefined;

  constructor(subject: Subject, exchange: Exchange, request: GatewayRequest, estimates: Estimates) {
    this.subject = subject;
    this.exchange = exchange;
    this.#request = request;
    this.#estimates = estimates;
  }

  /** Ids of all that is reserved. */
  get reservations(): string[] {
    const own = this.reservation === undefined ? [] : [this.reservation];
    return [...own, ...this.further, ...this.ofTargets.values()];
  }

  /** True for calls that only look at what exists: they use no tokens. */
  get isReading(): boolean {
    const { method } = this.#request;
    return this.exchange.operation !== 'realtime' && (method === 'GET' || method === 'HEAD' || method === 'DELETE');
  }

  /** The most that the call can use. Read from the request when first asked for, and before the reply is sent. */
  get estimate(): Estimate {
    this.#estimate ??= this.isReading ? readsOnly : estimate(this.#request, this.exchange.operation, this.#estimates);
    return this.#estimate;
  }

  /** Output tokens over all answers at most, as far as that is known without the model. */
  get outputTokens(): number {
    const { outputTokens, choices } = this.estimate;
    return this.outputLimit === undefined ? outputTokens : this.outputLimit * choices;
  }

  /** The most output that a provider makes in some time without showing it. */
  outputIn(milliseconds: number): number {
    const { outputTokens, choices } = this.estimate;
    return outputTokens === 0 ? 0 : (milliseconds / 1_000) * this.#estimates.tokensPerSecond * choices;
  }

  /** Most output tokens of one answer of a model, for a request that states no limit. */
  mostOutput({ maxOutputTokens, contextWindow }: ModelSize): number {
    return maxOutputTokens ?? contextWindow ?? this.#estimates.maxOutputTokens;
  }

  /** A limit that a model is sure to accept: one above its maximum is an error at many providers. */
  acceptedOutput({ maxOutputTokens, contextWindow }: ModelSize): number {
    return maxOutputTokens ?? Math.min(this.#estimates.outputTokens, contextWindow ?? Number.POSITIVE_INFINITY);
  }

  /** The most that the call can use at a model, `output` tokens per answer where the request states no limit. */
  boundsAt(size: ModelSize, output = this.outputLimit): Pick<Estimate, 'inputTokens' | 'outputTokens'> {
    const { inputTokens, inputUnbounded, outputTokens, outputStated, choices } = this.estimate;
    const input = inputTokens === 0 ? 0 : inputTokens + (size.ownInputTokens ?? 0);
    return {
      inputTokens: inputUnbounded === true ? input : Math.min(input, size.contextWindow ?? Number.POSITIVE_INFINITY),
      outputTokens: outputStated
        ? outputTokens
        : Math.min(output ?? Number.POSITIVE_INFINITY, this.mostOutput(size)) * choices,
    };
  }

  /** Facts for the price of the call at a target. */
  callAt({ provider, model }: Pick<Target, 'provider' | 'model'>): PricedCall {
    const { operation, time } = this.exchange;
    const { serviceTier, imageSize, imageQuality } = this.estimate;
    const { caller } = this.subject;
    return {
      provider,
      model,
      operation,
      at: time,
      serviceTier,
      imageSize,
      imageQuality,
      virtualKey: caller.kind === 'virtual-key' ? caller.id : undefined,
    };
  }
}

/** One call that uses nothing else. */
export const oneCall: Amounts = { requests: 1, concurrency: 1, tokens: 0, 'nano-usd': 0 };
const readsOnly: Estimate = { inputTokens: 0, outputTokens: 0, outputStated: true, choices: 1 };

export const chargeSlot = defineSlot<Charge>('governance charge');
