import {
  bind,
  type Caller,
  callerSlot,
  chain,
  definePlugin,
  defineSlot,
  type Exchange,
  fallbacksSlot,
  GatewayError,
  isThenable,
  keyFilterSlot,
  type MaybePromise,
  modelFilterSlot,
  passesJson,
} from '../../plugin-sdk/index.ts';
import { type Callers, callersPort } from '../../plugin-sdk/ports/callers.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { ledgerPort } from '../../plugin-sdk/ports/ledger.ts';
import { type Prices, pricesPort } from '../../plugin-sdk/ports/prices.ts';
import { checkHeaders, checkSubject, checkTargets, chooseProvider } from './access.ts';
import { withAliases } from './alias-prices.ts';
import { Charges } from './charges.ts';
import { withoutVirtualKey } from './credentials.ts';
import { declareEntities } from './declare.ts';
import { Identity } from './identity.ts';
import { namedProviders } from './named-providers.ts';
import { governanceOptions } from './options.ts';
import { quotaRoute } from './quota.ts';
import { askForUsage, hiddenUsage, mayHideUsage } from './stream-usage.ts';
import type { Subject } from './subject.ts';
import { TargetLimits } from './target-limits.ts';
import { TokenVerifier } from './tokens.ts';

const subjectSlot = defineSlot<Subject>('governance subject');

/** Who may call what, how often and for how much: virtual keys, teams, customers, budgets and limits. */
export default definePlugin({
  name: 'plugins/governance',
  description: 'Virtual keys, teams, customers, budgets and limits that hold over all processes.',
  options: governanceOptions,
  requires: [entitiesPort.capability, ledgerPort.capability, pricesPort.capability],
  provides: ['identity', callersPort.capability],
  namesProviders: namedProviders,
  async setup(options, host) {
    const entities = host.port(entitiesPort);
    const ledger = host.port(ledgerPort);
    const prices = host.port(pricesPort);
    await declareEntities(entities, options);
    const tokens = options.identity === undefined ? undefined : new TokenVerifier(options.identity, host);
    const identity = new Identity(entities, tokens, host.log);
    const charges = new Charges({
      host,
      ledger,
      prices: withAliases(prices, host.providers, entities),
      limits: new TargetLimits(entities),
      estimates: options.estimates,
      reservationMs: options.reservationSeconds * 1_000,
    });

    const govern = (exchange: Exchange, subject: Subject): void => {
      checkSubject(subject, options.required, exchange.time);
      exchange.set(subjectSlot, subject);
      exchange.set(callerSlot, subject.caller);
      if (subject.modelFilter !== undefined) exchange.set(modelFilterSlot, subject.modelFilter);
      if (subject.keyFilter !== undefined) exchange.set(keyFilterSlot, subject.keyFilter);
      const { request } = exchange;
      const query = withoutVirtualKey(request.query);
      if (query !== request.query) exchange.setRequest(request.with({ query }));
      const choice = chooseProvider(subject, exchange, host.providers, (provider, model) =>
        hasPrice(prices, provider, model, exchange),
      );
      if (choice === undefined) return;
      exchange.setTargets([choice.target]);
      if (choice.fallbacks.length > 0) exchange.set(fallbacksSlot, choice.fallbacks);
      exchange.note('plugins/governance', 'chose a provider by weight', { provider: choice.target.provider });
    };

    return {
      hooks: {
        preRoute: {
          order: 'pre',
          handler(exchange) {
            // The gateway calls for a caller whose own call had them: a job's run, an embedding.
            const isClients = exchange.get(callerSlot) === undefined;
            if (isClients && options.requiredHeaders.length > 0) checkHeaders(exchange, options.requiredHeaders);
            return chain(subjectOf(exchange, identity), (subject) => govern(exchange, subject));
          },
        },
        transformRequest: {
          order: 'post',
          handler(request, exchange) {
            const subject = exchange.get(subjectSlot);
            if (subject === undefined) return;
            checkTargets(subject, exchange);
            return chain(charges.admit(request, exchange, subject), (limited) => {
              if (!mayHideUsage(exchange)) return limited;
              return chain(charges.needsUsage(exchange), (needed) =>
                needed ? (askForUsage(limited ?? request, exchange) ?? limited) : limited,
              );
            });
          },
        },
        execute: {
          order: 'pre',
          handler(attempt) {
            const { key, target, exchange } = attempt;
            const mayServe = exchange.get(keyFilterSlot);
            if (mayServe !== undefined && key.direct !== true && !mayServe(target.provider, key.name)) {
              const reason = `Provider key '${key.name}' is not allowed for this virtual key`;
              throw new GatewayError('AUTH_BLOCKED', { reason }, { retry: 'next-key' });
            }
            return chain(charges.beforeAttempt(attempt), () => undefined);
          },
        },
        transformResponse: { json: passesJson, stream: (exchange) => hiddenUsage(exchange) },
        postLog: (exchange, outcome) => charges.settle(exchange, outcome),
      },
      ports: [bind(callersPort, callersOf(identity))],
      routes: [quotaRoute(identity, ledger, host.clock)],
      teardown: () => charges.close(),
    };
  },
});

/** A caller that the gateway itself named (of a job, say) was identified before; anyone else is now. */
function subjectOf(exchange: Exchange, identity: Identity): MaybePromise<Subject> {
  const named: Caller | undefined = exchange.get(callerSlot);
  return named === undefined ? identity.identify(exchange.request) : identity.recall(named);
}

/** A price list is also a list of models. One that answers later than now does not count. */
function hasPrice(prices: Prices, provider: string, model: string, { operation, time: at }: Exchange): boolean {
  const price = prices.reserve({ provider, model, operation, at, inputTokens: 1, outputTokens: 1 });
  return price !== 'unknown' && !isThenable(price);
}

function callersOf(identity: Identity): Callers {
  return {
    identify: (request) =>
      chain(identity.identify(request), (subject) => {
        checkSubject(subject, true, Date.now());
        return subject.caller;
      }),
  };
}
