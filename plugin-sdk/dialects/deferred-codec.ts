import type { ChatCodec, OperationShape } from './dialect.ts';

/**
 * A codec of which nothing is loaded before its first use. A gateway knows every format, translates between two or three, and
 * carries the rest as it is. `enforcesOutput` is not in it, since whether a format has it must be known before.
 */
export function deferredCodec(load: () => { readonly codec: ChatCodec }): Omit<ChatCodec, 'enforcesOutput'> {
  return {
    decodeRequest: (body) => load().codec.decodeRequest(body),
    encodeRequest: (conversation, context) => load().codec.encodeRequest(conversation, context),
    decodeAnswer: (body, request) => load().codec.decodeAnswer(body, request),
    encodeAnswer: (answer, context) => load().codec.encodeAnswer(answer, context),
    decodeStream: (request) => load().codec.decodeStream(request),
    encodeStream: (context) => load().codec.encodeStream(context),
  };
}

/** A shape of which nothing is loaded before its first use. */
export function deferredShape(load: () => OperationShape): OperationShape {
  return {
    request: (body, lost) => load().request(body, lost),
    reply: (json, body) => load().reply(json, body),
    word: (name) => load().word(name),
  };
}
