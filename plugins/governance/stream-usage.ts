import {
  defineSlot,
  type Exchange,
  type GatewayRequest,
  isObject,
  type StreamTransform,
} from '../../plugin-sdk/index.ts';

/** Set where we asked for the usage of a stream and the client did not. */
const askedSlot = defineSlot<true>('governance asked for usage');

/** Only OpenAI's chat streams have to be asked. */
export function mayHideUsage({ stream, operation, dialect }: Exchange): boolean {
  return stream && operation === 'chat' && dialect.id === 'openai.chat';
}

/**
 * OpenAI's chat streams say what they used only if asked (`stream_options.include_usage`). For a call that is charged we
 * ask, on the bytes; {@link hiddenUsage} keeps the extra chunk from a client that does not expect it.
 */
export function askForUsage(request: GatewayRequest, exchange: Exchange): GatewayRequest | undefined {
  const { body } = request;
  if (body.kind !== 'bytes' || !body.isJson) return undefined;
  const member = body.topLevel.members.get('stream_options');
  const options = member === undefined ? undefined : body.valueAt(member);
  if (isObject(options) && options['include_usage'] === true) return undefined;
  const text = JSON.stringify({ ...(isObject(options) ? options : {}), include_usage: true });
  exchange.set(askedSlot, true);
  return request.with({ body: body.withMember('stream_options', text) });
}

export function hiddenUsage(exchange: Exchange): StreamTransform | undefined {
  return exchange.get(askedSlot) === true ? withoutUsage : undefined;
}

const withoutUsage: StreamTransform = {
  omits: { needles: ['"usage":{', '"usage": {'], test: ({ data }) => hasNoChoices(data) },
  event(event, emit) {
    if (event.type !== 'usage') emit(event);
  },
};

/** The chunk that `include_usage` adds. Providers that put the usage on their last choice do so unasked. */
function hasNoChoices(data: string): boolean {
  try {
    const { choices } = JSON.parse(data) as { readonly choices?: unknown };
    return Array.isArray(choices) && choices.length === 0;
  } catch {
    return false;
  }
}
