import type { Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { asUnreadable } from '../anthropic-messages/decode-answer.ts';
import { MessagesStreamDecoder } from '../anthropic-messages/decode-stream.ts';
import { streamProblem } from '../bedrock-converse/errors.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { present } from '../present.ts';
import { isException, unwrapped } from './frames.ts';

/** Reads what `/invoke-with-response-stream` gives of Claude. */
export class InvokeStreamDecoder implements StreamDecoder {
  readonly #messages: MessagesStreamDecoder;

  constructor(request?: Conversation) {
    this.#messages = new MessagesStreamDecoder(request);
  }

  event(frame: FramedEvent, emit: Emit): void {
    if (isException(frame)) {
      const { message, status, type } = streamProblem(frame.name, frame.data);
      throw new GatewayError('UP_STREAM_ERROR', { message }, present({ status, type }));
    }
    this.#messages.event(readable(frame), emit);
  }

  end(): void {
    this.#messages.end();
  }
}

function readable(frame: FramedEvent): FramedEvent {
  try {
    return unwrapped(frame);
  } catch (error) {
    throw asUnreadable(error);
  }
}
