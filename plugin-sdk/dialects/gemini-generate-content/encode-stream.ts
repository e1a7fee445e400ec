import type { AnswerEvent, BlockHead, Carrier, Citation, Finish, Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { present } from '../present.ts';
import { clientContext, headFields } from './encode-answer.ts';
import { canTakeSignature, encodePart } from './encode-part.ts';
import { encodeFinish } from './finish.ts';
import { encodeGrounding } from './grounding.ts';
import { dialectId, isNative, kept, maker } from './notes.ts';
import { sealedSignature } from './sealed-signature.ts';
import { encodeUsage } from './usage.ts';

type Event<T extends AnswerEvent['type']> = Extract<AnswerEvent, { type: T }>;

interface OpenBlock {
  readonly head: BlockHead;
  readonly carrier: Carrier;
  /** Where its text begins in that of the choice. */
  readonly from: number;
  arguments: string;
  signature: string | undefined;
  /** Who made a signature that is not Google's. */
  foreign?: string | undefined;
}

/**
 * Writes chunks as `data: {…}` records without names and without a `[DONE]`, which Google's SDK would not parse.
 * Each delta is a chunk; a function call is one part, so its fragments wait for its end; finish reasons and usage share
 * the last chunk. A stream that began in this dialect keeps its chunks: parts wait for the native event that closes one.
 */
export class GeminiStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #open = new Map<string, OpenBlock>();
  /** Parts not yet written, by choice. */
  readonly #parts = new Map<number, JsonObject[]>();
  readonly #finishes = new Map<number, Finish>();
  /** All text of a choice so far, with what it cites. */
  readonly #cited = new Map<number, { text: string; citations: Citation[] }>();
  #head: JsonObject = {};
  #native = false;
  #usage: Usage | undefined;
  #ended = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#head = headFields(context.requestId, context.model);
  }

  event(event: AnswerEvent): string {
    switch (event.type) {
      case 'start':
        this.#native = isNative(event);
        this.#head = headFields(event.id ?? this.#context.requestId, event.model ?? this.#context.model);
        return '';
      case 'block-start':
        return this.#blockStart(event);
      case 'text':
        return this.#text(event, {});
      case 'reasoning':
        return this.#text(event, { thought: true });
      case 'arguments':
        this.#block(event).arguments += event.text;
        return '';
      case 'signature':
        return this.#signature(event);
      case 'audio':
        return event.data === undefined
          ? ''
          : this.#part(event.choice, { inlineData: { mimeType: 'audio/L16;rate=24000', data: event.data } });
      case 'block-end':
        return this.#blockEnd(event);
      case 'finish':
        this.#finishes.set(event.choice, event.finish);
        return '';
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'native':
        return event.dialect === dialectId && event.name === 'chunk' ? this.#nativeChunk(event.value) : '';
      case 'end':
        return this.#ended ? '' : this.#lastChunk();
      case 'citation':
        this.#cite(event);
        return '';
    }
  }

  #blockStart(event: Event<'block-start'>): string {
    const { head } = event;
    const from = this.#cited.get(event.choice)?.text.length ?? 0;
    this.#open.set(key(event), { head, carrier: event, from, arguments: '', signature: undefined });
    if (head.type !== 'media' && head.type !== 'provider-item') return '';
    const parts: JsonObject[] = [];
    encodePart(head.block, parts, '', clientContext);
    return parts.map((part) => this.#part(event.choice, part)).join('');
  }

  /** Google counts from the start of the answer's text, other formats from that of a block. */
  #cite({ choice, block, citation }: Event<'citation'>): void {
    if (this.#native) return;
    const open = this.#block({ choice, block });
    const cited = this.#textOf(choice);
    const end = open.from + (citation.end ?? cited.text.length - open.from);
    cited.citations.push({ ...citation, start: open.from + (citation.start ?? 0), end });
  }

  #textOf(choice: number): { text: string; citations: Citation[] } {
    const known = this.#cited.get(choice) ?? { text: '', citations: [] };
    this.#cited.set(choice, known);
    return known;
  }

  #text(event: Event<'text' | 'reasoning'>, more: JsonObject): string {
    const { carrier } = this.#block(event);
    if (event.type === 'text' && !this.#native) this.#textOf(event.choice).text += event.text;
    const { fields, notes } = kept(carrier);
    return notes.synthetic ? '' : this.#part(event.choice, { ...fields, text: event.text, ...more });
  }

  /** On a thought it goes with that; after text it joins the text's part if that is not yet written. */
  #signature(event: Event<'signature'>): string {
    const block = this.#block(event);
    const { head } = block;
    if (head.type !== 'tool-call' && head.type !== 'reasoning') return '';
    if ((event.maker ?? head.maker) !== maker) {
      block.foreign = event.maker ?? head.maker;
      block.signature = (block.signature ?? '') + event.signature;
      return '';
    }
    if (head.type === 'tool-call') {
      block.signature = event.signature;
      return '';
    }
    const before = this.#parts.get(event.choice)?.at(-1);
    const { alone } = kept(block.carrier).notes;
    const joins = before !== undefined && !alone && (before['thought'] === true || canTakeSignature(before));
    if (!joins) return this.#part(event.choice, { text: '', thoughtSignature: event.signature });
    before['thoughtSignature'] = event.signature;
    return '';
  }

  #blockEnd(event: Event<'block-end'>): string {
    const block = this.#open.get(key(event));
    this.#open.delete(key(event));
    if (block?.head.type === 'reasoning') return this.#seal(event.choice, block.head, block);
    if (block?.head.type !== 'tool-call') return '';
    const { id, name, kind, maker: madeBy } = block.head;
    const { signature, carrier } = block;
    if (this.#native && kept(carrier).notes.pieces === true) return '';
    const parts: JsonObject[] = [];
    encodePart(
      {
        type: 'tool-call',
        id,
        name,
        arguments: block.arguments,
        ...(kind === undefined ? {} : { kind }),
        ...(signature === undefined || madeBy === undefined ? {} : { signature, maker: madeBy }),
        ...(carrier.carry === undefined ? {} : { carry: carrier.carry }),
      },
      parts,
      '',
      clientContext,
    );
    return this.#part(event.choice, parts[0]!);
  }

  /** A proof of another maker follows its thinking, in a part of its own. */
  #seal(choice: number, head: Extract<BlockHead, { type: 'reasoning' }>, { foreign, signature }: OpenBlock): string {
    const madeBy = foreign ?? head.maker;
    if (madeBy === maker || this.#native) return '';
    const { encrypted, id } = head;
    const thoughtSignature = sealedSignature(present({ maker: madeBy, signature, encrypted, id }));
    return thoughtSignature === undefined ? '' : this.#part(choice, { text: '', thought: true, thoughtSignature });
  }

  #block(at: { readonly choice: number; readonly block: number }): OpenBlock {
    return (
      this.#open.get(key(at)) ?? { head: { type: 'text' }, carrier: {}, from: 0, arguments: '', signature: undefined }
    );
  }

  #part(choice: number, part: JsonObject): string {
    if (!this.#native) return this.#chunk([{ content: { parts: [part], role: 'model' }, index: choice }]);
    const waiting = this.#parts.get(choice);
    if (waiting === undefined) this.#parts.set(choice, [part]);
    else waiting.push(part);
    return '';
  }

  #nativeChunk(value: JsonValue): string {
    if (!isObject(value)) return '';
    if (value['promptFeedback'] !== undefined) this.#ended = true;
    const { candidates } = value;
    if (!Array.isArray(candidates)) return record(value);
    const filled = candidates.filter(isObject).map((candidate, position) => {
      const { content, index, finishReason } = candidate;
      if (finishReason !== undefined) this.#ended = true;
      const pieces = isObject(content) ? content['parts'] : undefined;
      if (!isObject(content) || !Array.isArray(pieces)) return candidate;
      return {
        ...candidate,
        content: { ...content, parts: [...this.#takeParts(typeof index === 'number' ? index : position), ...pieces] },
      };
    });
    return record({ ...value, candidates: filled });
  }

  #takeParts(choice: number): JsonObject[] {
    const parts = this.#parts.get(choice) ?? [];
    this.#parts.delete(choice);
    return parts;
  }

  #lastChunk(): string {
    const candidates = [...this.#finishes].map(([index, finish]) => {
      const waiting = this.#takeParts(index);
      const parts = waiting.length > 0 ? waiting : [{ text: '' }];
      const { text = '', citations = [] } = this.#cited.get(index) ?? {};
      const groundingMetadata = encodeGrounding([{ part: 0, block: { type: 'text', text, citations } }]);
      return {
        content: { parts, role: 'model' },
        finishReason: encodeFinish(finish),
        index,
        ...present({ groundingMetadata }),
      };
    });
    return this.#chunk(candidates, this.#usage === undefined ? {} : { usageMetadata: encodeUsage(this.#usage) });
  }

  #chunk(candidates: JsonObject[], more: JsonObject = {}): string {
    return record({ candidates, ...more, ...this.#head });
  }
}

function record(value: JsonObject): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function key(at: { readonly choice: number; readonly block: number }): string {
  return `${at.choice}/${at.block}`;
}
