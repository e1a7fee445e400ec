import type { BlockHead, Carrier, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { carrying } from '../openai/carry.ts';
import { parseEvent, streamError } from '../openai/event-problem.ts';
import { problemOf } from '../openai/problem.ts';
import { decoderWithClientNames } from '../openai/tool-naming.ts';
import { readUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { finishOf } from './decode-answer.ts';
import { decodeCitation } from './decode-content.ts';
import { ItemDecoder } from './decode-stream-item.ts';

const dialect = 'openai.responses';

export function decodeStream(request?: Conversation): StreamDecoder {
  return decoderWithClientNames(new ResponsesStreamDecoder(), request, dialect);
}

class ResponsesStreamDecoder implements StreamDecoder {
  readonly #items = new Map<number, ItemDecoder>();
  #blocks = 0;
  #called = false;
  #started = false;
  #ended = false;

  event(event: FramedEvent, emit: Emit): void {
    if (this.#ended || event.data === '' || event.data === '[DONE]') return;
    const value = parseEvent(event);
    const type = typeof value['type'] === 'string' ? value['type'] : (event.name ?? '');
    switch (type) {
      case 'response.created':
        this.#start(value['response'], emit);
        break;
      case 'response.output_item.added':
        this.#added(value, emit);
        break;
      case 'response.output_item.done':
        this.#done(value, emit);
        break;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.cancelled':
        this.#finish(asObject(value['response']), emit);
        break;
      case 'response.failed':
        throw failure(asObject(value['response']));
      case 'response.output_text.annotation.added':
        this.#annotation(value, emit);
        break;
      default:
        if (this.#itemOf(value)?.progress(type, value, emit) !== true) this.#native(type, value, emit);
    }
  }

  end(): void {
    if (!this.#ended) throw new GatewayError('UP_STREAM_CUT', { provider: 'The provider' });
  }

  #start(response: JsonValue | undefined, emit: Emit): void {
    if (this.#started) return;
    this.#started = true;
    const { id, model, created_at: created, output: _, ...rest } = asObject(response);
    emit(
      present({
        type: 'start' as const,
        id: typeof id === 'string' ? id : undefined,
        model: typeof model === 'string' ? model : undefined,
        created: typeof created === 'number' ? created : undefined,
        ...carrying(dialect, undefined, { $rest: rest }),
      }),
    );
  }

  #added(value: JsonObject, emit: Emit): void {
    const item = asObject(value['item']);
    const opened = new ItemDecoder(item, (head, carry, to) => this.#open(head, carry, to));
    this.#items.set(indexOf(value), opened);
    if (opened.hosted) this.#native('response.output_item.added', value, emit);
    else opened.begin(emit);
  }

  #done(value: JsonObject, emit: Emit): void {
    const item = asObject(value['item']);
    let decoder = this.#itemOf(value);
    if (decoder === undefined) {
      decoder = new ItemDecoder(item, (head, carry, to) => this.#open(head, carry, to));
      this.#items.set(indexOf(value), decoder);
      if (!decoder.hosted) decoder.begin(emit);
    }
    decoder.done(item, emit);
  }

  #finish(response: JsonObject, emit: Emit): void {
    this.#ended = true;
    const { id: _, model: __, created_at: ___, output, usage, ...rest } = response;
    this.#missed(output, emit);
    for (const item of this.#items.values()) item.close(emit);
    const finish = finishOf(response, this.#called) ?? { reason: 'stop', native: 'completed' };
    emit({ type: 'finish', choice: 0, finish, ...carrying(dialect, undefined, { $rest: rest, $output: output }) });
    const read = readUsage(usage);
    if (read !== undefined) emit({ type: 'usage', usage: read, ...carrying(dialect, undefined, { $usage: usage }) });
    emit({ type: 'end' });
  }

  /** Some servers stream no items and give the output only at the end. */
  #missed(output: JsonValue | undefined, emit: Emit): void {
    if (this.#items.size > 0 || !Array.isArray(output)) return;
    output.forEach((item, output_index) => {
      this.#done({ item, output_index }, emit);
    });
  }

  #annotation(value: JsonObject, emit: Emit): void {
    const citation = decodeCitation(value['annotation']);
    const block = this.#itemOf(value)?.openBlock;
    if (citation === undefined || block === undefined)
      this.#native('response.output_text.annotation.added', value, emit);
    else emit({ type: 'citation', choice: 0, block, citation });
  }

  #open(head: BlockHead, carry: Carrier, emit: Emit): number {
    const block = this.#blocks++;
    if (head.type === 'tool-call') this.#called = true;
    emit({ type: 'block-start', choice: 0, block, head, ...carry });
    return block;
  }

  #itemOf(value: JsonObject): ItemDecoder | undefined {
    return this.#items.get(indexOf(value));
  }

  #native(name: string, value: JsonObject, emit: Emit): void {
    if (name !== 'keepalive') emit({ type: 'native', dialect, value, name });
  }
}

function failure(response: JsonObject): GatewayError {
  const problem = response['error'] ? problemOf({ error: response['error'] }, undefined) : undefined;
  return streamError(problem ?? { status: 502, message: 'The provider ended the response as failed.' });
}

function indexOf(value: JsonObject): number {
  return typeof value['output_index'] === 'number' ? value['output_index'] : 0;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
