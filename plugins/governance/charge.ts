import { defineSlot, type Exchange, type GatewayRequest, type Target } from '../../plugin-sdk/index.ts';
import type { PricedCall } from '../../plugin-sdk/ports/prices.ts';
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

  constructor(subject: Subject, exchange: Exchange, request: GatewayRequest, estimates: Estimates) {
    this.subject = subject;
    this.exchange = exchange;
    this.#request = request;
    this.#estimates = estimates;
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

  /** Expects less output than the default; for requests that state no limit. */
  shrink(outputTokens: number): void {
    this.#estimate = { ...this.estimate, outputTokens };
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
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...(imageSize === undefined ? {} : { imageSize }),
      ...(imageQuality === undefined ? {} : { imageQuality }),
      ...(caller.kind === 'virtual-key' ? { virtualKey: caller.id } : {}),
    };
  }
}

/** One call that uses nothing else. */
export const oneCall: Amounts = { requests: 1, concurrency: 1, tokens: 0, 'nano-usd': 0 };
const readsOnly: Estimate = { inputTokens: 0, outputTokens: 0, outputStated: true };

export const chargeSlot = defineSlot<Charge>('governance charge');
