import { BytesBody, type Exchange, GatewayError, type GatewayRequest, isObject } from '../../plugin-sdk/index.ts';
import { removeMember } from '../../plugin-sdk/json-bytes/index.ts';

const member = 'fallbacks';

export interface Taken {
  /** `provider/model` each. */
  readonly fallbacks: readonly string[];
  /** The request without the member; every other byte as it was. */
  readonly request: GatewayRequest;
}

/**
 * The body's `fallbacks`, taken out of it: no provider knows the field, but for Anthropic, whose own form stays where it is.
 * Throws GatewayError REQ_INVALID naming it.
 */
export function takeFallbacks(request: GatewayRequest, { dialect }: Exchange): Taken | undefined {
  const { body } = request;
  if (body.kind !== 'bytes' || !body.isJson) return undefined;
  const found = body.topLevel.members.get(member);
  if (found === undefined) return undefined;
  const value = body.valueAt(found);
  if (dialect.id === 'anthropic.messages' && isAnthropics(value)) return undefined;
  const fallbacks = namesOf(value);
  return {
    fallbacks,
    request: request.with({ body: new BytesBody(removeMember(body.bytes, found), body.contentType) }),
  };
}

/** Models of its own, each with what differs for it (@anthropic-ai/sdk 1.12, `BetaFallbackParam`). */
function isAnthropics(value: unknown): boolean {
  return Array.isArray(value) && value.some((entry) => isObject(entry) && !('provider' in entry));
}

/** Each is a text, or an object as the native API of Bifrost has it. */
function namesOf(value: unknown): string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw invalid(member);
  return value.map((entry: unknown, i) => {
    if (typeof entry === 'string') return entry;
    if (isObject(entry) && typeof entry['provider'] === 'string' && typeof entry['model'] === 'string')
      return `${entry['provider']}/${entry['model']}`;
    throw invalid(`${member}[${i}]`);
  });
}

function invalid(param: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason: `${param} must be a list of "provider/model".` }, { param });
}
