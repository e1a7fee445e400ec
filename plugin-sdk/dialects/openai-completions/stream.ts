import type { AnswerEvent, Conversation, Usage } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import type { AnswerContext, FramedEvent, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { writeChatUsage } from '../openai/usage.ts';
import { decodeStream as decodeChat } from '../openai-chat/decode-stream.ts';
import { finishWord } from '../openai-chat/finish.ts';
import { asChat, completionId } from './answer.ts';

export function decodeStream(request?: Conversation): StreamDecoder {
  const chat = decodeChat(request);
  return {
    event: (event, emit) => chat.event(chatEvent(event), emit),
    end: (emit) => chat.end(emit),
  };
}

function chatEvent(event: FramedEvent): FramedEvent {
  if (!event.data.includes('"choices"')) return event;
  return { ...event, data: JSON.stringify(asChat(JSON.parse(event.data) as JsonObject, 'delta')) };
}

export function encodeStream(context: AnswerContext): StreamEncoder {
  return new CompletionStreamEncoder(context);
}

/** Writes `text_completion` chunks; [DONE] follows only a proper end. */
class CompletionStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #untold = new Set<string>();
  #model: string | undefined;
  #created: number | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  event(event: AnswerEvent): string {
    switch (event.type) {
      case 'start':
        this.#model = event.model;
        this.#created = event.created;
        return '';
      case 'block-start':
        if (event.head.type !== 'text') this.#untold.add(`${event.choice} ${event.block}`);
        return '';
      case 'text':
        return this.#untold.has(`${event.choice} ${event.block}`) ? '' : this.#chunk(event.choice, event.text, null);
      case 'finish':
        return this.#chunk(event.choice, '', finishWord(event.finish, undefined));
      case 'usage':
        return this.#context.conversation.streamUsage === true ? this.#usage(event.usage) : '';
      case 'end':
        return 'data: [DONE]\n\n';
      default:
        return '';
    }
  }

  #chunk(index: number, text: string, finish: string | null): string {
    return this.#written({ choices: [{ text, index, logprobs: null, finish_reason: finish }] });
  }

  #usage(usage: Usage): string {
    return this.#written({ choices: [], usage: writeChatUsage(usage) });
  }

  #written(fields: JsonObject): string {
    const { requestId, now, model } = this.#context;
    const head = { id: completionId(requestId), object: 'text_completion', created: this.#created ?? now };
    return `data: ${JSON.stringify({ ...head, model: this.#model ?? model, ...fields })}\n\n`;
  }
}
