import type { Citation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried } from '../openai/carry.ts';
import { encodeCitation } from './encode-content.ts';
import type { EventWriter } from './event-writer.ts';
import type { StreamedItem } from './streamed-item.ts';

type Kind = 'text' | 'refusal';

/** A message item: `content_part.added`, deltas and `….done` for every part. */
export class StreamedMessage implements StreamedItem {
  readonly index: number;
  readonly #out: EventWriter;
  readonly #fields: JsonObject;
  readonly #id: string;
  readonly #parts: JsonObject[] = [];
  #kind: Kind;
  #words = '';
  #annotations: JsonObject[] = [];
  /** Those that cite for the whole part, whose end is not known yet. */
  #open: JsonObject[] = [];
  #logprobs: JsonValue[] = [];
  #template: readonly [string, string] = ['', ''];

  constructor(out: EventWriter, index: number, id: string, fields: JsonObject | undefined, kind: Kind) {
    this.#out = out;
    this.index = index;
    this.#kind = kind;
    this.#id = typeof fields?.['id'] === 'string' ? fields['id'] : id;
    this.#fields = { id: this.#id, type: 'message', status: 'in_progress', role: 'assistant', ...fields };
  }

  open(): string {
    const item = { ...this.#fields, content: [] };
    return (
      this.#out.event('response.output_item.added', { item, output_index: this.index }) + this.startPart(this.#kind)
    );
  }

  startPart(kind: Kind): string {
    this.#kind = kind;
    this.#words = '';
    this.#annotations = [];
    this.#open = [];
    this.#logprobs = [];
    const type = kind === 'text' ? 'response.output_text.delta' : 'response.refusal.delta';
    this.#template = this.#out.template(type, kind === 'text' ? { ...this.#place(), logprobs: [] } : this.#place());
    return this.#out.event('response.content_part.added', { ...this.#place(), part: this.#part() });
  }

  text(text: string, logprobs?: JsonValue): string {
    this.#words += text;
    const tokens = isObject(logprobs) ? logprobs['content'] : undefined;
    if (!Array.isArray(tokens) || tokens.length === 0) return this.#out.delta(this.#template, text);
    this.#logprobs.push(...tokens);
    return this.#out.event('response.output_text.delta', { delta: text, ...this.#place(), logprobs: tokens });
  }

  signature(): void {}

  citation(citation: Citation): string {
    const annotation = encodeCitation(citation);
    if (annotation === undefined) return '';
    if (annotation['start_index'] === undefined && carried(citation, 'openai.responses') === undefined) {
      annotation['start_index'] = 0;
      annotation['end_index'] = this.#words.length;
      this.#open.push(annotation);
    }
    const annotation_index = this.#annotations.push(annotation) - 1;
    return this.#out.event('response.output_text.annotation.added', { annotation, annotation_index, ...this.#place() });
  }

  endBlock(): string {
    for (const annotation of this.#open) annotation['end_index'] = this.#words.length;
    const part = this.#part();
    const place = this.#place();
    this.#parts.push(part);
    const done =
      this.#kind === 'text'
        ? this.#out.event('response.output_text.done', { text: this.#words, logprobs: this.#logprobs, ...place })
        : this.#out.event('response.refusal.done', { refusal: this.#words, ...place });
    // OpenAI states token probabilities in every other place but this.
    const bare = this.#kind === 'text' ? { ...part, logprobs: [] } : part;
    return done + this.#out.event('response.content_part.done', { ...place, part: bare });
  }

  finished(): JsonObject {
    return { ...this.#fields, status: 'completed', content: this.#parts };
  }

  #place(): JsonObject {
    return { content_index: this.#parts.length, item_id: this.#id, output_index: this.index };
  }

  #part(): JsonObject {
    if (this.#kind === 'refusal') return { type: 'refusal', refusal: this.#words };
    return { type: 'output_text', annotations: this.#annotations, logprobs: this.#logprobs, text: this.#words };
  }
}
