import type { BlockHead, ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import { encodeDetails, formatOf } from './reasoning-fields.ts';

/**
 * One reasoning block on its way into deltas. Words go out as `reasoning_content`. A proof goes out once, in one
 * `reasoning_details` entry together with all words it covers: many clients overwrite unknown fields of a delta where
 * they join known ones, so an entry must be whole. A block read from chat keeps the fields that it was read from.
 */
export class StreamedReasoning {
  readonly #head: Extract<BlockHead, { type: 'reasoning' }>;
  readonly #fields: readonly unknown[] | undefined;
  readonly #frame: JsonObject | undefined;
  readonly #index: number;
  #words = '';
  #signature = '';
  #maker: string | undefined;

  constructor(head: Extract<BlockHead, { type: 'reasoning' }>, own: JsonObject | undefined, index: number) {
    this.#head = head;
    this.#index = index;
    const fields = own?.['$reasoning'];
    this.#fields = Array.isArray(fields) ? fields : undefined;
    if (isObject(own?.['$detail'])) {
      const { signature: _, ...frame } = own['$detail'];
      this.#frame = frame;
    }
  }

  /** The delta that opens the block: only encrypted reasoning has one. */
  opening(): string {
    const { encrypted, id, maker } = this.#head;
    if (encrypted === undefined) return '';
    if (this.#frame !== undefined)
      return this.#detail({ type: 'reasoning.encrypted', data: encrypted, ...present({ id }), ...this.#frame });
    const block: ReasoningBlock = present({ type: 'reasoning' as const, id, maker, encrypted });
    return JSON.stringify({ reasoning_details: encodeDetails(block, this.#index) });
  }

  words(text: string): string {
    const encoded = JSON.stringify(text);
    if (this.#fields === undefined) {
      this.#words += text;
      return `{"reasoning_content":${encoded}}`;
    }
    const plain = this.#fields.filter((field) => field !== 'reasoning_details').map((field) => [field, text]);
    const delta: JsonObject = Object.fromEntries(plain);
    if (this.#fields.includes('reasoning_details')) delta['reasoning_details'] = [this.#textDetail(text)];
    return JSON.stringify(delta);
  }

  signature(signature: string, maker: string | undefined): string {
    if (this.#frame !== undefined) return this.#detail({ type: 'reasoning.text', signature, ...this.#frame });
    this.#signature += signature;
    this.#maker = maker;
    return '';
  }

  /** The entry that proves the block. */
  closing(): string {
    if (this.#signature === '') return '';
    const { id, maker } = this.#head;
    const frame = present({ id, format: formatOf(this.#maker ?? maker), index: this.#index });
    return this.#detail({ type: 'reasoning.text', text: this.#words, signature: this.#signature, ...frame });
  }

  #textDetail(text: string): JsonObject {
    const words =
      this.#head.summary === true ? { type: 'reasoning.summary', summary: text } : { type: 'reasoning.text', text };
    return { ...words, ...present({ id: this.#head.id }), ...this.#frame };
  }

  #detail(detail: JsonObject): string {
    return JSON.stringify({ reasoning_details: [detail] });
  }
}
