import type { BlockHead, Carrier } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit } from '../dialect.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { decodeProof } from '../openai/tool-call-proof.ts';
import { present } from '../present.ts';
import { openEncryptedContent } from './sealed-proof.ts';

type Open = (head: BlockHead, carry: Carrier, emit: Emit) => number;

const dialect = 'openai.responses';

/** Name of the native event that tells this dialect's encoder with which fields an item ended. */
export const itemDone = 'item.done';

/** Fields that the events of an item tell; the others are noted as they were read. */
const told = new Set([
  'type',
  'content',
  'summary',
  'arguments',
  'input',
  'call_id',
  'name',
  'role',
  'encrypted_content',
]);

/** One output item of a stream: each of its parts becomes a block. */
export class ItemDecoder {
  readonly #item: JsonObject;
  readonly #open: Open;
  #block: number | undefined;
  #written = false;
  #first = true;
  #closed = false;

  constructor(item: JsonObject, open: Open) {
    this.#item = item;
    this.#open = open;
  }

  get openBlock(): number | undefined {
    return this.#block;
  }

  /** An item that the conversation has no word for: its events pass as they are. */
  get hosted(): boolean {
    return !['message', 'reasoning', 'function_call', 'custom_tool_call'].includes(String(this.#item['type']));
  }

  begin(emit: Emit): void {
    const { type, call_id: callId, id, name } = this.#item;
    if (type !== 'function_call' && type !== 'custom_tool_call') return;
    const head = present({
      type: 'tool-call' as const,
      id: String(callId ?? id ?? ''),
      name: String(name ?? ''),
      kind: type === 'custom_tool_call' ? ('custom' as const) : undefined,
      itemId: typeof id === 'string' ? id : undefined,
    });
    this.#openBlock(head, emit);
  }

  /** Reads an event of this item; false if it is not one that the conversation has a word for. */
  progress(type: string, value: JsonObject, emit: Emit): boolean {
    if (this.hosted) return false;
    const delta = typeof value['delta'] === 'string' ? value['delta'] : '';
    switch (type) {
      case 'response.content_part.added':
        return this.#part(asObject(value['part'])['type'], emit);
      case 'response.reasoning_summary_part.added':
        return this.#reasoningPart(true, emit);
      case 'response.output_text.delta':
        this.#text('text', delta, value['logprobs'], emit);
        return true;
      case 'response.refusal.delta':
        this.#text('refusal', delta, undefined, emit);
        return true;
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        this.#think(delta, type !== 'response.reasoning_text.delta', emit);
        return true;
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        this.#arguments(delta, emit);
        return true;
      default:
        return this.#whole(type, value, emit);
    }
  }

  /** The item as it ended. What was not streamed is emitted whole. */
  done(item: JsonObject, emit: Emit): void {
    if (this.#closed) return;
    if (this.hosted) {
      const block = this.#open(
        { type: 'provider-item', block: { type: 'provider-item', dialect, value: item } },
        {},
        emit,
      );
      emit({ type: 'block-end', choice: 0, block });
      this.#closed = true;
      return;
    }
    if (this.#first) this.#wholeContent(item, emit);
    else if (!this.#written) this.#arguments(String(item['arguments'] ?? item['input'] ?? ''), emit);
    if (item['type'] === 'reasoning') this.#proof(item, emit);
    else if (this.#block !== undefined) this.#sign(decodeProof(new FieldReader(item)), emit);
    this.close(emit);
    emit({ type: 'native', dialect, name: itemDone, value: untold(item) });
  }

  close(emit: Emit): void {
    this.#closeBlock(emit);
    this.#closed = true;
  }

  #part(type: JsonValue | undefined, emit: Emit): boolean {
    if (type === 'reasoning_text') return this.#reasoningPart(false, emit);
    if (type !== 'output_text' && type !== 'refusal') return false;
    this.#closeBlock(emit);
    this.#openBlock({ type: type === 'refusal' ? 'refusal' : 'text' }, emit);
    return true;
  }

  #reasoningPart(summary: boolean, emit: Emit): boolean {
    this.#closeBlock(emit);
    const { id } = this.#item;
    this.#openBlock(
      present({
        type: 'reasoning' as const,
        id: typeof id === 'string' ? id : undefined,
        maker: 'openai',
        summary: summary || undefined,
      }),
      emit,
    );
    return true;
  }

  #text(kind: 'text' | 'refusal', text: string, logprobs: JsonValue | undefined, emit: Emit): void {
    this.#block ??= this.#openBlock({ type: kind }, emit);
    this.#written = true;
    const event = { type: 'text', choice: 0, block: this.#block, text } as const;
    if (Array.isArray(logprobs) && logprobs.length > 0)
      emit({ ...event, logprobs: { content: logprobs, refusal: null } });
    else emit(event);
  }

  #think(text: string, summary: boolean, emit: Emit): void {
    if (this.#block === undefined) this.#reasoningPart(summary, emit);
    this.#written = true;
    emit({ type: 'reasoning', choice: 0, block: this.#block!, text });
  }

  #arguments(text: string, emit: Emit): void {
    if (this.#block === undefined || text === '') return;
    this.#written = true;
    emit({ type: 'arguments', choice: 0, block: this.#block, text });
  }

  /** `….done` events repeat what was streamed, or tell it when nothing was. */
  #whole(type: string, value: JsonObject, emit: Emit): boolean {
    const whole = value['text'] ?? value['refusal'] ?? value['arguments'] ?? value['input'];
    const unwritten = !this.#written && typeof whole === 'string' && whole !== '' ? whole : undefined;
    switch (type) {
      case 'response.output_text.done':
      case 'response.refusal.done':
        if (unwritten !== undefined)
          this.#text(type === 'response.refusal.done' ? 'refusal' : 'text', unwritten, undefined, emit);
        return true;
      case 'response.reasoning_summary_text.done':
      case 'response.reasoning_text.done':
        if (unwritten !== undefined) this.#think(unwritten, type !== 'response.reasoning_text.done', emit);
        return true;
      case 'response.function_call_arguments.done':
      case 'response.custom_tool_call_input.done':
        if (unwritten !== undefined) this.#arguments(unwritten, emit);
        return true;
      case 'response.content_part.done':
      case 'response.reasoning_summary_part.done':
        this.#closeBlock(emit);
        return true;
      default:
        return false;
    }
  }

  #wholeContent(item: JsonObject, emit: Emit): void {
    const { content, summary } = item;
    for (const part of Array.isArray(summary) ? summary : []) this.#wholePart(part, true, emit);
    for (const part of Array.isArray(content) ? content : []) this.#wholePart(part, false, emit);
  }

  #wholePart(part: JsonValue, summary: boolean, emit: Emit): void {
    const { type, text, refusal } = asObject(part);
    this.#closeBlock(emit);
    if (type === 'refusal') this.#text('refusal', String(refusal ?? ''), undefined, emit);
    else if (type === 'output_text') this.#text('text', String(text ?? ''), undefined, emit);
    else if (type === 'summary_text' || type === 'reasoning_text') this.#think(String(text ?? ''), summary, emit);
  }

  /** Encrypted reasoning is final only when the item is; it is a block of its own under the item's id. */
  #proof(item: JsonObject, emit: Emit): void {
    const { encrypted_content: content, id } = item;
    this.#closeBlock(emit);
    if (typeof content !== 'string' && !this.#first) return;
    const proof = typeof content === 'string' ? openEncryptedContent(content) : {};
    const { maker = 'openai', encrypted, signature } = proof;
    const named = typeof id === 'string' ? id : undefined;
    this.#openBlock(present({ type: 'reasoning' as const, id: named, maker, encrypted, summary: true }), emit);
    this.#sign(present({ signature }), emit);
    this.#closeBlock(emit);
  }

  #sign({ signature, maker }: ReturnType<typeof decodeProof>, emit: Emit): void {
    if (signature === undefined) return;
    emit(present({ type: 'signature' as const, choice: 0, block: this.#block!, signature, maker }));
  }

  #openBlock(head: BlockHead, emit: Emit): number {
    const carry = this.#first ? carrying(dialect, undefined, { $item: untold(this.#item, true) }) : {};
    this.#first = false;
    this.#written = false;
    this.#block = this.#open(head, carry, emit);
    return this.#block;
  }

  #closeBlock(emit: Emit): void {
    if (this.#block === undefined) return;
    emit({ type: 'block-end', choice: 0, block: this.#block });
    this.#block = undefined;
  }
}

/** The fields of an item that no other event tells; empty lists of content count, since some items have none. */
function untold(item: JsonObject, opening = false): JsonObject {
  const fields: JsonObject = {};
  for (const [key, value] of Object.entries(item)) {
    const emptyContent =
      key === 'content' && item['type'] === 'reasoning' && Array.isArray(value) && value.length === 0;
    if (!told.has(key) || emptyContent || (opening && key === 'encrypted_content')) fields[key] = value;
  }
  return fields;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
