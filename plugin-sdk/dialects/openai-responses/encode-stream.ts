import type { AnswerEvent, Finish, Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { carried } from '../openai/carry.ts';
import { sameOrNew, writeResponsesUsage } from '../openai/usage.ts';
import { itemDone } from './decode-stream-item.ts';
import { echoRequest } from './echo.ts';
import { endFields } from './encode-answer.ts';
import { generatedImage } from './encode-item.ts';
import { EventWriter } from './event-writer.ts';
import { ItemIds } from './item-ids.ts';
import { StreamedCall } from './streamed-call.ts';
import type { StreamedItem } from './streamed-item.ts';
import { StreamedMessage } from './streamed-message.ts';
import { StreamedThinking } from './streamed-thinking.ts';

const dialect = 'openai.responses';

export function encodeStream(context: AnswerContext): StreamEncoder {
  return new ResponsesStreamEncoder(context);
}

type Event<Type extends AnswerEvent['type']> = Extract<AnswerEvent, { type: Type }>;

/**
 * Writes the events of a response in the order that SDK helpers demand (wire facts 7.3): one item after the other, each
 * opened and closed, then the whole response once more. Blocks that interleave wait until the one before has ended.
 */
class ResponsesStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #ids: ItemIds;
  readonly #out = new EventWriter();
  /** Finished items by output index. */
  readonly #output: JsonObject[] = [];
  /** Hosted items that were announced, by id, with their output index. */
  readonly #announced = new Map<string, number>();
  #response: JsonObject = {};
  #own = false;
  #item: StreamedItem | undefined;
  #nextIndex = 0;
  /** The block being written; events of others wait in the queue. */
  #active: number | undefined;
  #queue: AnswerEvent[] = [];
  /** The block being written is part of the open item; blocks that this format has no item for are not. */
  #inItem = false;
  /** A text block without text so far. Empty ones are left out: to a client that waits for JSON they would be broken. */
  #silent: Event<'block-start'> | undefined;
  #finish: Event<'finish'> | undefined;
  #usage: Event<'usage'> | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#ids = new ItemIds(context.requestId);
  }

  event(event: AnswerEvent): string {
    // Several answers cannot be expressed; the first one is given.
    if ('choice' in event && event.choice !== 0) return '';
    if (this.#mustWait(event)) {
      this.#queue.push(event);
      return '';
    }
    switch (event.type) {
      case 'text':
        if (event.text === '' && this.#silent !== undefined) return '';
        return this.#speak() + (this.#item?.text(event.text, event.logprobs) ?? '');
      case 'arguments':
      case 'reasoning':
        return this.#item?.text(event.text) ?? '';
      case 'signature':
        this.#item?.signature(event.signature, event.maker);
        return '';
      case 'citation':
        return this.#speak() + (this.#item?.citation(event.citation) ?? '');
      case 'block-start':
        return this.#open(event);
      case 'block-end':
        return this.#endBlock(event);
      case 'start':
        return this.#start(event);
      case 'finish':
        this.#finish = event;
        return this.#closeItem();
      case 'usage':
        this.#usage = event;
        return '';
      case 'native':
        return event.dialect === dialect && isObject(event.value) ? this.#native(event.name ?? '', event.value) : '';
      case 'end':
        return this.#end();
      default:
        return '';
    }
  }

  #mustWait(event: AnswerEvent): boolean {
    if (this.#active === undefined) return false;
    return 'block' in event ? event.block !== this.#active : event.type === 'native';
  }

  #start(event: Event<'start'>): string {
    const carry = carried(event, dialect);
    this.#own = carry !== undefined;
    const { now, model, conversation } = this.#context;
    const identity = {
      id: this.#own && event.id !== undefined ? event.id : this.#ids.response,
      object: 'response',
      created_at: event.created ?? now,
    };
    if (this.#own) {
      this.#response = { ...identity, model: event.model ?? model, ...asObject(carry?.['$rest']) };
      return this.#out.event('response.created', { response: { ...this.#response, output: [] } });
    }
    const running = { status: 'in_progress', completed_at: null, error: null, incomplete_details: null };
    this.#response = {
      ...identity,
      ...running,
      ...echoRequest(conversation),
      model: event.model ?? model,
      service_tier: 'default',
    };
    const response = { ...this.#response, output: [], usage: null };
    return this.#out.event('response.created', { response }) + this.#out.event('response.in_progress', { response });
  }

  #open(event: Event<'block-start'>): string {
    const { head } = event;
    this.#active = event.block;
    this.#inItem = false;
    const own = carried(event, dialect);
    const fields = isObject(own?.['$item']) ? own['$item'] : undefined;
    switch (head.type) {
      case 'text':
        if (this.#own) return this.#message(head.type, fields);
        this.#silent = event;
        return '';
      case 'refusal':
        return this.#message(head.type, fields);
      case 'reasoning':
        return this.#continue(
          (item) => item instanceof StreamedThinking && item.continues(head),
          () =>
            new StreamedThinking(
              this.#out,
              this.#nextIndex++,
              this.#own ? undefined : this.#ids.next('rs'),
              fields,
              head,
            ),
        );
      case 'tool-call':
        return this.#continue(
          () => false,
          () =>
            new StreamedCall(
              this.#out,
              this.#nextIndex++,
              this.#ids.next(head.kind === 'custom' ? 'ctc' : 'fc'),
              fields,
              head,
            ),
        );
      case 'provider-item':
        return head.block.dialect === dialect ? this.#hosted(head.block.value) : '';
      case 'media': {
        const { block } = head;
        if (block.type !== 'image' || block.source.kind !== 'base64') return '';
        return this.#hosted(generatedImage(block.source.data, this.#ids));
      }
      default:
        return '';
    }
  }

  #message(kind: 'text' | 'refusal', fields: JsonObject | undefined): string {
    return this.#continue(
      (item) => item instanceof StreamedMessage && fields === undefined && item.startPart(kind),
      () => new StreamedMessage(this.#out, this.#nextIndex++, this.#ids.next('msg'), fields, kind),
    );
  }

  /** Opens the text block that was held back, if one was. */
  #speak(): string {
    if (this.#silent === undefined) return '';
    this.#silent = undefined;
    return this.#message('text', undefined);
  }

  /** Goes on with the open item, or closes it and opens the next. */
  #continue(continues: (item: StreamedItem) => string | false, next: () => StreamedItem): string {
    this.#inItem = true;
    const more = this.#item === undefined ? false : continues(this.#item);
    if (more !== false) return more;
    const closed = this.#closeItem();
    this.#item = next();
    return closed + this.#item.open();
  }

  #hosted(item: JsonObject): string {
    const known = this.#announced.get(String(item['id']));
    const closed = this.#closeItem();
    const index = known ?? this.#nextIndex++;
    this.#output[index] = item;
    const added =
      known === undefined ? this.#out.event('response.output_item.added', { item, output_index: index }) : '';
    return closed + added + this.#out.event('response.output_item.done', { item, output_index: index });
  }

  #endBlock(event: Event<'block-end'>): string {
    if (event.block !== this.#active) return '';
    let text = this.#inItem ? (this.#item?.endBlock() ?? '') : '';
    // Whoever read this stream tells with which fields the item ends; else a call is over with its arguments.
    if (this.#inItem && !this.#own && this.#item instanceof StreamedCall) text += this.#closeItem();
    this.#active = undefined;
    this.#silent = undefined;
    const waiting = this.#queue;
    this.#queue = [];
    for (const next of waiting) text += this.event(next);
    return text;
  }

  #closeItem(fields?: JsonObject): string {
    const item = this.#item;
    if (item === undefined) return '';
    this.#item = undefined;
    const finished = { ...item.finished(), ...fields };
    this.#output[item.index] = finished;
    return this.#out.event('response.output_item.done', { item: finished, output_index: item.index });
  }

  #native(name: string, value: JsonObject): string {
    if (name === itemDone) return this.#closeItem(value);
    if (!name.startsWith('response.')) return '';
    const { type: _, sequence_number: __, ...rest } = value;
    if (name !== 'response.output_item.added' || !isObject(value['item'])) {
      const index = this.#announced.get(String(value['item_id']));
      return this.#out.event(name, index === undefined ? rest : { ...rest, output_index: index });
    }
    const closed = this.#closeItem();
    const index = this.#nextIndex++;
    this.#announced.set(String(value['item']['id']), index);
    return closed + this.#out.event(name, { ...rest, output_index: index });
  }

  #end(): string {
    const closed = this.#closeItem();
    const finish: Finish = this.#finish?.finish ?? { reason: 'stop' };
    const carry = this.#finish === undefined ? undefined : carried(this.#finish, dialect);
    const usage: Usage | undefined = this.#usage?.usage;
    const raw = this.#usage === undefined ? undefined : carried(this.#usage, dialect)?.['$usage'];
    const ending = this.#own && carry !== undefined ? asObject(carry['$rest']) : endFields(finish, this.#context.now);
    const response: JsonObject = {
      ...this.#response,
      ...ending,
      output: this.#wholeOutput(carry?.['$output']),
      usage: usage === undefined ? null : sameOrNew(raw, usage, writeResponsesUsage),
    };
    const { status } = response;
    const type =
      status === 'failed' ? 'response.failed' : status === 'incomplete' ? 'response.incomplete' : 'response.completed';
    return closed + this.#out.event(type, { response });
  }

  /** Every item once more. Hosted items that the provider began and never ended are only in its own list. */
  #wholeOutput(read: JsonValue | undefined): JsonValue[] {
    const finished = this.#output.filter((item) => item !== undefined);
    if (!Array.isArray(read)) return finished;
    const written = finished.map((item) => withLastProof(item, read));
    const unended = read.filter(
      (item) => isObject(item) && this.#announced.has(String(item['id'])) && !hasId(written, item['id']),
    );
    if (unended.length === 0) return written;
    const all = [...written, ...unended] as JsonObject[];
    const order = read.map((item) => (isObject(item) ? item['id'] : undefined));
    return all.sort((a, b) => order.indexOf(a['id']) - order.indexOf(b['id']));
  }
}

/** OpenAI encrypts reasoning anew for the final list, which is the one that clients keep. */
function withLastProof(item: JsonObject, read: readonly JsonValue[]): JsonObject {
  if (item['type'] !== 'reasoning' || item['encrypted_content'] === undefined) return item;
  const last = read.find((other) => isObject(other) && other['id'] === item['id']);
  return isObject(last) ? { ...item, encrypted_content: last['encrypted_content'] } : item;
}

function hasId(items: readonly JsonObject[], id: JsonValue | undefined): boolean {
  return items.some((item) => item['id'] === id);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
