import type { BlockHead } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { filledArguments } from '../openai/filled-arguments.ts';
import { encodeProof } from '../openai/tool-call-proof.ts';
import { present } from '../present.ts';
import type { EventWriter } from './event-writer.ts';
import type { StreamedItem } from './streamed-item.ts';

type Head = Extract<BlockHead, { type: 'tool-call' }>;

/** A call of a function or custom tool: its arguments in deltas, then whole. */
export class StreamedCall implements StreamedItem {
  readonly index: number;
  readonly #out: EventWriter;
  readonly #head: Head;
  readonly #id: string;
  readonly #fields: JsonObject;
  readonly #template: readonly [string, string];
  #arguments = '';
  #proof: { readonly signature?: string; readonly maker?: string } = {};

  constructor(out: EventWriter, index: number, id: string, fields: JsonObject | undefined, head: Head) {
    this.#out = out;
    this.index = index;
    this.#head = head;
    this.#id = head.itemId ?? id;
    const type = head.kind === 'custom' ? 'custom_tool_call' : 'function_call';
    this.#fields = { id: this.#id, type, status: 'in_progress', call_id: head.id, name: head.name, ...fields };
    this.#template = out.template(`${this.#event}.delta`, this.#place());
  }

  open(): string {
    return this.#out.event('response.output_item.added', {
      item: { ...this.#fields, [this.#field]: '' },
      output_index: this.index,
    });
  }

  text(text: string): string {
    this.#arguments += text;
    return this.#out.delta(this.#template, text);
  }

  signature(signature: string, maker = this.#head.maker): void {
    this.#proof = present({ signature, maker });
  }

  citation(): string {
    return '';
  }

  endBlock(): string {
    // A call without arguments still has to give its client JSON.
    this.#arguments = filledArguments({ arguments: this.#arguments, ...present({ kind: this.#head.kind }) });
    return this.#out.event(`${this.#event}.done`, { [this.#field]: this.#arguments, ...this.#place() });
  }

  finished(): JsonObject {
    return { ...this.#fields, status: 'completed', [this.#field]: this.#arguments, ...encodeProof(this.#proof) };
  }

  get #field(): 'arguments' | 'input' {
    return this.#head.kind === 'custom' ? 'input' : 'arguments';
  }

  get #event(): string {
    return this.#head.kind === 'custom' ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
  }

  #place(): JsonObject {
    return { item_id: this.#id, output_index: this.index };
  }
}
