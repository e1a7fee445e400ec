import type { BlockHead, ReasoningBlock } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import type { EventWriter } from './event-writer.ts';
import { encryptedContent } from './sealed-proof.ts';
import type { StreamedItem } from './streamed-item.ts';

type Head = Extract<BlockHead, { type: 'reasoning' }>;

/**
 * A reasoning item. Words come as summary parts; only words that were read as `reasoning_text` of this dialect are
 * written so again. The proof is written when the item ends.
 */
export class StreamedThinking implements StreamedItem {
  readonly index: number;
  readonly #out: EventWriter;
  readonly #fields: JsonObject;
  readonly #id: string;
  readonly #own: boolean;
  readonly #summary: JsonObject[] = [];
  readonly #content: JsonObject[] = [];
  #head: Head;
  #proof: Pick<ReasoningBlock, 'maker' | 'signature' | 'encrypted'> = {};
  #words: string | undefined;
  #template: readonly [string, string] = ['', ''];

  /** @param id A new id; `undefined` keeps the one that the block brings. */
  constructor(out: EventWriter, index: number, id: string | undefined, fields: JsonObject | undefined, head: Head) {
    this.#out = out;
    this.index = index;
    this.#own = id === undefined;
    this.#head = head;
    this.#id = id ?? head.id ?? `rs_${index}`;
    this.#fields = { id: this.#id, type: 'reasoning', ...fields };
    this.#keepProof(head);
  }

  /** Blocks under one id are pieces of one item. */
  continues(head: Head): '' | false {
    if (head.id === undefined || head.id !== this.#head.id) return false;
    this.#head = head;
    this.#keepProof(head);
    return '';
  }

  open(): string {
    return this.#out.event('response.output_item.added', {
      item: { ...this.#fields, summary: [] },
      output_index: this.index,
    });
  }

  text(text: string): string {
    const opened = this.#words === undefined ? this.#startPart() : '';
    this.#words += text;
    return opened + this.#out.delta(this.#template, text);
  }

  signature(signature: string, maker = this.#head.maker): void {
    this.#proof = present({ maker, signature, encrypted: this.#proof.encrypted });
  }

  citation(): string {
    return '';
  }

  endBlock(): string {
    if (this.#words === undefined) return '';
    const text = this.#words;
    this.#words = undefined;
    const place = this.#place();
    if (this.#asContent()) {
      const part = { type: 'reasoning_text', text };
      this.#content.push(part);
      return (
        this.#out.event('response.reasoning_text.done', { text, ...place }) +
        this.#out.event('response.content_part.done', { ...place, part })
      );
    }
    const part = { type: 'summary_text', text };
    this.#summary.push(part);
    return (
      this.#out.event('response.reasoning_summary_text.done', { text, ...place }) +
      this.#out.event('response.reasoning_summary_part.done', { ...place, part })
    );
  }

  finished(): JsonObject {
    const encrypted_content = encryptedContent(this.#proof);
    const { encrypted_content: _, ...fields } = this.#fields;
    return {
      ...fields,
      summary: this.#summary,
      ...(this.#content.length === 0 ? {} : { content: this.#content }),
      ...(encrypted_content === undefined ? {} : { encrypted_content }),
    };
  }

  #startPart(): string {
    this.#words = '';
    const place = this.#place();
    if (this.#asContent()) {
      this.#template = this.#out.template('response.reasoning_text.delta', place);
      return this.#out.event('response.content_part.added', { ...place, part: { type: 'reasoning_text', text: '' } });
    }
    this.#template = this.#out.template('response.reasoning_summary_text.delta', place);
    return this.#out.event('response.reasoning_summary_part.added', {
      ...place,
      part: { type: 'summary_text', text: '' },
    });
  }

  #asContent(): boolean {
    return this.#own && this.#head.summary !== true;
  }

  #place(): JsonObject {
    const number = this.#asContent()
      ? { content_index: this.#content.length }
      : { summary_index: this.#summary.length };
    return { item_id: this.#id, output_index: this.index, ...number };
  }

  #keepProof({ maker, encrypted }: Head): void {
    if (encrypted !== undefined) this.#proof = present({ maker, encrypted, signature: this.#proof.signature });
  }
}
