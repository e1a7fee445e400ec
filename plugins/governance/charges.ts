import {
  chain,
  GatewayError,
  type GatewayRequest,
  type Host,
  type KeyedAttempt,
  type MaybePromise,
  type Outcome,
  type RoutedExchange,
  type Target,
} from '../../plugin-sdk/index.ts';
import { OpenList } from '../../plugin-sdk/open-list.ts';
import { jobRunSlot } from '../../plugin-sdk/ports/jobs.ts';
import type { Account, Actual, Ledger, Refused } from '../../plugin-sdk/ports/ledger.ts';
import { costSlot, type Prices } from '../../plugin-sdk/ports/prices.ts';
import { type Amounts, linesOf, measures } from './accounts.ts';
import { Charge, chargeSlot } from './charge.ts';
import { type Cost, costsOf, mostAt, mostAtAny } from './costs.ts';
import type { Estimates } from './options.ts';
import { limitOutput, mayLimitOutput } from './output-limit.ts';
import { OutputShares } from './output-shares.ts';
import { refusal } from './refusals.ts';
import type { Subject } from './subject.ts';
import type { TargetLimits } from './target-limits.ts';
import { usedNothing } from './usage.ts';

/** How often a reservation that others were quicker to take the room of is made smaller. */
const maxTries = 8;
/**
 * Milliseconds after which a call is tried again that found no place among those that may run at once: another process gives
 * the place of a reply back a moment after its last byte, and a client that waits for that byte may call here before.
 */
const placeWaits = [5, 15, 30] as const;
const noCost: Cost = { 'nano-usd': 0, tokens: 0 };

export interface ChargeOptions {
  readonly host: Host;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly limits: TargetLimits;
  readonly estimates: Estimates;
  readonly reservationMs: number;
}

/** Reserves the most that an exchange can use before anything is sent, and settles what it did use when it is over. */
export class Charges {
  readonly #options: ChargeOptions;
  readonly #open = new OpenList<Charge>();
  readonly #shares: OutputShares;
  #stopTimer: () => void;

  constructor(options: ChargeOptions) {
    this.#options = options;
    this.#shares = new OutputShares(options);
    this.#stopTimer = this.#keepAlive();
  }

  close(): void {
    this.#stopTimer();
  }

  /**
   * Before the first attempt, with the request as it will be sent. Gives the request with an output limit where it states
   * none and may not have all that its model can give. Throws GatewayError LIMIT_*.
   */
  admit(request: GatewayRequest, exchange: RoutedExchange, subject: Subject): MaybePromise<GatewayRequest | undefined> {
    if (exchange.operation === 'models') return undefined;
    const charge = new Charge(subject, exchange, request, this.#options.estimates);
    exchange.set(chargeSlot, charge);
    return chain(this.#reserveFor(request, exchange, charge), () => {
      const { outputLimit } = charge;
      if (outputLimit === undefined) return undefined;
      exchange.note('plugins/governance', 'limited the output', { tokens: outputLimit });
      return limitOutput(request, exchange, outputLimit);
    });
  }

  /** Whether what a stream uses is counted anywhere, so that its usage must be known. */
  needsUsage(exchange: RoutedExchange): MaybePromise<boolean> {
    const charge = exchange.get(chargeSlot);
    const target = exchange.targets[0];
    if (charge === undefined || target === undefined) return false;
    if (charge.subject.measured) return true;
    return chain(this.#accountsAt(charge, target), measures);
  }

  /** Before each attempt. Throws GatewayError LIMIT_*; those of a target let the next target try. */
  beforeAttempt(attempt: KeyedAttempt): MaybePromise<void> {
    const { exchange, target } = attempt;
    const charge = exchange.get(chargeSlot);
    if (charge === undefined) return;
    return chain(this.#payerOf(attempt, charge), () =>
      chain(this.#accountsAt(charge, target), (accounts) => {
        if (accounts.length === 0) return;
        return chain(mostAt(charge, target, accounts, this.#options.prices), (amounts) =>
          chain(this.#reserve(accounts, amounts, exchange), (result) => {
            if (typeof result !== 'string') throw refusal(result, this.#options.host.clock.now(), 'next-target');
            charge.ofTargets.set(attempt.number, result);
            this.#opened(charge);
          }),
        );
      }),
    );
  }

  /** When the exchange is over, however it ended. */
  settle(exchange: RoutedExchange, outcome: Outcome): MaybePromise<void> {
    const charge = exchange.get(chargeSlot);
    if (charge?.place === undefined) return;
    this.#open.delete(charge.place);
    charge.place = undefined;
    if (!outcome.attempts.some(wasSent)) return this.#all(charge.reservations, (id) => this.#release(id));
    const { prices, host } = this.#options;
    return chain(costsOf(charge, exchange, outcome, prices, host.providers), (costs) => {
      const sum = { 'nano-usd': 0, tokens: 0 };
      for (const cost of costs.values()) {
        sum['nano-usd'] += cost['nano-usd'];
        sum.tokens += cost.tokens;
      }
      // What was charged by estimate, because the reply told no usage, must stand in the record too.
      if (sum['nano-usd'] > 0 && exchange.get(costSlot) === undefined) {
        exchange.set(costSlot, { nanoUsd: sum['nano-usd'], version: 'estimate' });
      }
      // A job runs again when its process dies before its end is stored: what it has paid, it has paid.
      const once = outcome.clientGone ? undefined : exchange.get(jobRunSlot)?.id;
      const own = (): MaybePromise<void> => this.#settle(charge.reservation, sum, once);
      if (charge.further.length === 0 && charge.ofTargets.size === 0) return own();
      return this.#all(
        [
          own,
          () => this.#all(charge.further, (id) => this.#release(id)),
          () =>
            this.#all(charge.ofTargets, ([number, id]) =>
              this.#settle(id, costs.get(number) ?? noCost, once && `${once} at target ${number}`),
            ),
        ],
        (step) => step(),
      );
    });
  }

  /** Accounts that only calls to a target count in: of the caller's grant, of the provider and of the model. */
  #accountsAt({ subject }: Charge, { provider, model }: Target): MaybePromise<readonly Account[]> {
    const own = subject.grants?.get(provider)?.accounts;
    const general = this.#options.limits.accountsFor(provider, model);
    return own === undefined || own.length === 0 ? general : chain(general, (others) => [...own, ...others]);
  }

  #reserveFor(request: GatewayRequest, exchange: RoutedExchange, charge: Charge, tries = maxTries): MaybePromise<void> {
    const { accounts } = charge.subject;
    return chain(this.#fit(request, exchange, charge, tries < maxTries), (fitted) => {
      if (accounts.length === 0) return;
      return chain(mostAtAny(charge, exchange, accounts, this.#options.prices), (amounts) =>
        chain(this.#reserve(accounts, amounts, exchange), (result) => {
          if (typeof result === 'string') {
            charge.reservation = result;
            this.#opened(charge);
            charge.amounts = amounts;
            this.#shares.took(accounts, amounts);
            if (exchange.explains) exchange.note('plugins/governance', 'reserved', noteOf(accounts, amounts));
            return;
          }
          if (fitted !== 'may shrink' || tries === 1 || !measures([result.line.account])) throw this.#refused(result);
          // Another call has taken what this one was to have.
          return this.#reserveFor(request, exchange, charge, tries - 1);
        }),
      );
    });
  }

  /** For a request that states no output limit: finds how much output it may have, of the caller and of its first target. */
  #fit(
    request: GatewayRequest,
    exchange: RoutedExchange,
    charge: Charge,
    fresh: boolean,
  ): MaybePromise<'may shrink' | undefined> {
    const { estimates } = this.#options;
    const target = exchange.targets[0];
    if (target === undefined || charge.isReading) return undefined;
    if (estimates.whenShort === 'refuse' || !mayLimitOutput(request, exchange)) return undefined;
    const { accounts: ofCaller, measured } = charge.subject;
    if (measured && charge.estimate.outputStated) return undefined;
    return chain(this.#accountsAt(charge, target), (ofTarget) => {
      if (!(measured || measures(ofTarget)) || charge.estimate.outputStated) return undefined;
      const accounts = [...ofCaller, ...ofTarget].filter((account) => measures([account]));
      return this.#shares.fit(charge, exchange, accounts, fresh);
    });
  }

  /** The first reservation pays for the first attempt, and for later ones while those before used nothing. */
  #payerOf(attempt: KeyedAttempt, charge: Charge): MaybePromise<void> {
    if (charge.reservation === undefined || !charge.subject.measured) return;
    attempt.onEnd((record) => {
      if (usedNothing(record)) charge.free++;
    });
    if (attempt.number === 1) return;
    if (charge.free > 0) {
      charge.free--;
      return;
    }
    const accounts = charge.subject.accounts.filter(({ unit }) => unit === 'tokens' || unit === 'nano-usd');
    return chain(this.#reserve(accounts, charge.amounts, attempt.exchange), (result) => {
      if (typeof result !== 'string') throw this.#refused(result);
      charge.further.push(result);
    });
  }

  /** Rejects with GatewayError CLIENT_GONE as soon as the client leaves: nobody is there for whom to take a place. */
  #pause(ms: number, exchange: RoutedExchange): Promise<void> {
    return new Promise((resolve, reject) => {
      const unlisten = exchange.onClientGone(() => {
        cancelTimer();
        reject(new GatewayError('CLIENT_GONE', {}));
      });
      const cancelTimer = this.#options.host.clock.after(ms, () => {
        unlisten();
        resolve();
      });
    });
  }

  #refused(refused: Refused): GatewayError {
    return refusal(refused, this.#options.host.clock.now(), 'never');
  }

  /** Something is reserved for it, which must be extended until it is settled. */
  #opened(charge: Charge): void {
    charge.place ??= this.#open.add(charge);
  }

  /** Gives the reservation's id. Waits for a moment where no place is free among the calls that may run at once. */
  #reserve(
    accounts: readonly Account[],
    amounts: Amounts,
    exchange: RoutedExchange,
    waited = 0,
  ): MaybePromise<string | Refused> {
    const { host, ledger, reservationMs } = this.#options;
    return chain(ledger.reserve(linesOf(accounts, amounts), host.clock.now() + reservationMs), (result) => {
      if (result.granted) return result.id;
      const wait = result.line.account.unit === 'concurrency' ? placeWaits[waited] : undefined;
      if (wait === undefined) return result;
      return this.#pause(wait, exchange).then(() => this.#reserve(accounts, amounts, exchange, waited + 1));
    });
  }

  #settle(id: string | undefined, actual: Actual, once: string | undefined): MaybePromise<void> {
    if (id === undefined) return;
    const { ledger } = this.#options;
    // What must be paid once only is paid before anything else says that it is done.
    if (once === undefined && ledger.settleSoon !== undefined) return ledger.settleSoon(id, actual);
    return chain(ledger.settle(id, actual, once), () => undefined);
  }

  #release(id: string | undefined): MaybePromise<void> {
    if (id === undefined) return;
    return chain(this.#options.ledger.release(id), () => undefined);
  }

  #all<T>(items: Iterable<T>, step: (item: T) => MaybePromise<void>): MaybePromise<void> {
    const waiting = [...items].map(step).filter((result) => result !== undefined);
    if (waiting.length > 0) return Promise.all(waiting).then(() => undefined);
  }

  /** Extends what is open, so that a long stream keeps its reservation and only a dead process loses it. */
  #keepAlive(): () => void {
    const { host, ledger, reservationMs } = this.#options;
    return host.clock.after(reservationMs / 3, () => {
      this.#stopTimer = this.#keepAlive();
      if (this.#open.size === 0) return;
      const failed = (err: unknown): void => host.log.error({ err }, 'reservations could not be extended');
      try {
        const open = [...this.#open].flatMap((charge) => charge.reservations);
        const extended = ledger.extend(open, host.clock.now() + reservationMs);
        if (extended !== undefined) extended.catch(failed);
      } catch (err) {
        failed(err);
      }
    });
  }
}

/** What was reserved, for the decision record. */
function noteOf(accounts: readonly Account[], amounts: Amounts): Record<string, number> {
  return { accounts: accounts.length, tokens: amounts.tokens, nanoUsd: amounts['nano-usd'] };
}

/** Not refused by us before anything was sent. */
function wasSent({ error }: { readonly error: GatewayError | undefined }): boolean {
  return error === undefined || !/^(LIMIT|AUTH)_/.test(error.code);
}
