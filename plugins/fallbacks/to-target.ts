import { GatewayError, type Provider, type Target } from '../../plugin-sdk/index.ts';

/** `provider/model` as a target; `provider/*` keeps the model of the first. Throws GatewayError REQ_INVALID naming the place. */
export function toTarget(text: string, first: Target, providers: ReadonlyMap<string, Provider>, param: string): Target {
  const slash = text.indexOf('/');
  const provider = text.slice(0, Math.max(0, slash));
  if (slash < 1 || slash === text.length - 1)
    throw new GatewayError('REQ_INVALID', { reason: `${param} must be "provider/model".` }, { param });
  if (!providers.has(provider)) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: `${param} names the provider ${provider}, which is not configured.` },
      { param },
    );
  }
  const model = text.slice(slash + 1);
  return { provider, model: model === '*' ? first.model : model };
}
