import { type Attempt, type Body, callerSlot, GatewayError, type Provider } from '../../plugin-sdk/index.ts';
import type { Candidate, Candidates } from './candidates.ts';
import type { Selection } from './choose.ts';

/** Says of every key of a provider why it cannot serve; `retryAfterMs` when one will after a rest. */
export function unusable(
  candidates: Candidates,
  selection: Selection,
  providers: ReadonlyMap<string, Provider>,
): GatewayError {
  const { provider, may, mayNot } = candidates;
  const { attempt, pinned, now } = selection;
  const { model } = attempt.target;
  const known = [...may.map(({ key }) => key.name), ...mayNot.map(({ name }) => name)];
  if (pinned !== undefined && attempt.target.key === undefined && !known.includes(pinned)) {
    return new GatewayError('ROUTE_KEY_PINNED', { key: pinned, provider: provider.name });
  }
  const reasons = [
    ...may.map((candidate) => `${candidate.key.name} ${reasonOf(candidate, selection)}`),
    ...mayNot.map(({ name, reason }) => `${name} ${reason}`),
  ];
  const rests = may
    .filter(({ key }) => isWanted(key.name, selection))
    // A key that failed in this call without being made to rest is worth another try as soon as the caller waits at all.
    .map((candidate) =>
      Math.max(restOf(candidate)?.until ?? 0, attempt.triedKeys.has(candidate.key.name) ? now + 1 : 0),
    )
    .filter((until) => until > now && Number.isFinite(until));
  const fields = {
    provider: provider.name,
    model: model === '' ? 'this call' : model,
    reason: reasons.length === 0 ? 'none is configured' : reasons.join('; '),
    advice:
      rests.length > 0
        ? 'Try again later, or add a key.'
        : `${aboutModel(selection, providers)}${provider.keyAdvice}${reasons.length === 0 ? aboutOwnKey(attempt) : ''}`,
  };
  if (rests.length === 0) return new GatewayError('ROUTE_NO_KEY', fields, { clientMayRetry: false });
  const isRateLimit = may.some((candidate) => restOf(candidate)?.reason.startsWith('429') === true);
  const retryAfterMs = Math.max(1, Math.min(...rests) - now);
  return new GatewayError('ROUTE_NO_KEY', fields, { retryAfterMs, ...(isRateLimit ? { status: 429 } : {}) });
}

/** Where the call came here because its model names no provider, or because it has none. */
function aboutModel({ attempt }: Selection, providers: ReadonlyMap<string, Provider>): string {
  const { model } = attempt.target;
  const isPassthrough = attempt.exchange.route.passthrough === true;
  if (model === '' && attempt.exchange.dialect.chat !== undefined) return aboutNoModel(attempt.exchange.request.body);
  if (model === '' && !isPassthrough) return 'To ask another provider, name it in x-model-provider. ';
  // A target that somebody named is not the default provider.
  if (attempt.exchange.model !== model) return '';
  const slash = model.indexOf('/');
  if (slash > 0 && isPassthrough) {
    return `A passthrough goes to ${attempt.target.provider} alone, whatever the model. `;
  }
  if (slash > 0) return `${model.slice(0, slash)} is no configured provider. `;
  return providers.has(model) ? `For a model of the provider ${model}, send ${model}/MODEL. ` : '';
}

/** A passthrough takes every body, such as the form that curl declares when nobody names a type: its JSON is not looked at. */
function aboutNoModel(body: Body): string {
  if (body.kind !== 'bytes' || body.isJson) return 'The request names no model. ';
  return `No model is read from a body of ${body.contentType}: send JSON with content-type: application/json. `;
}

/** For callers who send a provider key and expect it to be used. Placeholders, virtual keys and tokens are none. */
function aboutOwnKey({ exchange, target }: Attempt): string {
  if (exchange.get(callerSlot)?.kind === 'token' || target !== exchange.targets[0]) return '';
  const bears = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key'].some((header) =>
    /^(Bearer +)?(?!sk-bf-|bfa_)[\w.-]{20,}$/i.test(exchange.request.headers.get(header) ?? ''),
  );
  return bears ? ' The key that the request bears would serve it if plugins/direct-keys were enabled.' : '';
}

function isWanted(name: string, { filter, pinned, attempt }: Selection): boolean {
  return (pinned === undefined || pinned === name) && (filter === undefined || filter(attempt.target.provider, name));
}

/** Why a key that may serve the model does not serve this attempt. */
export function reasonOf(candidate: Candidate, selection: Selection): string {
  const { attempt, now, filter, pinned } = selection;
  const { name } = candidate.key;
  if (filter !== undefined && !filter(attempt.target.provider, name)) return 'is not allowed for this caller';
  if (pinned !== undefined && pinned !== name) return `is not ${pinned}, which was asked for`;
  const rest = restOf(candidate);
  if (rest !== undefined && rest.until > now) {
    const how = Number.isFinite(rest.until)
      ? `for ${Math.ceil((rest.until - now) / 1_000)} s`
      : 'until it is changed or accepted again';
    return `rests ${how} (${rest.reason})`;
  }
  return attempt.triedKeys.has(name) ? 'failed in this call' : 'is free';
}

/** The longer of the two rests that may hold for a candidate. */
function restOf({ state, model }: Candidate): { readonly until: number; readonly reason: string } | undefined {
  const rest = state.modelRests?.get(model);
  if (rest !== undefined && rest.until > state.restsUntil) return rest;
  return state.restsUntil > 0 ? { until: state.restsUntil, reason: state.reason ?? 'no reason noted' } : undefined;
}
