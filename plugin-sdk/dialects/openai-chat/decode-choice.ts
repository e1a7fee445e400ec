import type { BlockHead, Carrier, ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit } from '../dialect.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { present } from '../present.ts';
import { decodeContent, thinkingText } from './content-parts.ts';
import { decodeCitation } from './decode-assistant.ts';
import { decodeFinish, matchedStop } from './finish.ts';
import { decodeReasoning, hasProof } from './reasoning-fields.ts';
import { ToolCallFragments } from './tool-call-fragments.ts';

const dialect = 'openai.chat';

/** What a choice needs to know of the whole: the answer's id, for calls without one, and the wanted stop sequences. */
export interface ChoiceContext {
  readonly answerId?: string;
  readonly stop?: readonly string[];
}

/** The blocks of one streamed choice. Text and reasoning take turns; tool calls stay open until the choice ends. */
export class ChoiceDecoder {
  readonly #index: number;
  readonly #stop: readonly string[] | undefined;
  readonly #calls: ToolCallFragments;
  #blocks = 0;
  /** What is open now besides tool calls: its kind tells whether a delta continues it. */
  #open: { readonly kind: string; readonly block: number } | undefined;
  /** The latest reasoning that came in a plain field, where no proof can stand. */
  #plain: { readonly block: number; words: string } | undefined;
  #finished = false;

  constructor(index: number, { answerId, stop }: ChoiceContext) {
    this.#index = index;
    this.#stop = stop;
    this.#calls = new ToolCallFragments(index, () => this.#blocks++, answerId);
  }

  get finished(): boolean {
    return this.#finished;
  }

  delta(choice: JsonObject, emit: Emit): void {
    const delta = choice['delta'];
    if (isObject(delta)) this.#read(delta, choice['logprobs'], emit);
    const native = choice['finish_reason'];
    // Azure's late filter chunks and repeated finish chunks must not finish twice.
    if (typeof native !== 'string' || this.#finished) return;
    this.close(emit);
    const { finish, spelling } = decodeFinish(native, this.#calls.count > 0, matchedStop(choice, this.#stop));
    emit({ type: 'finish', choice: this.#index, finish, ...carrying(dialect, undefined, spelling) });
    this.#finished = true;
  }

  close(emit: Emit): void {
    this.#closeOpen(emit);
    this.#calls.close(emit);
  }

  #read(delta: JsonObject, logprobs: JsonValue | undefined, emit: Emit): void {
    const { content, refusal } = delta;
    if (typeof content === 'string') {
      if (content !== '' || hasTokens(logprobs)) this.#text('text', content, logprobs, emit);
    } else if (Array.isArray(content)) this.#parts(content, emit);
    if (delta['reasoning'] || delta['reasoning_content'] || delta['reasoning_details']) this.#reasoning(delta, emit);
    if (typeof refusal === 'string' && refusal !== '') this.#text('refusal', refusal, logprobs, emit);
    if (Array.isArray(delta['annotations'])) this.#citations(delta['annotations'], emit);
    if (Array.isArray(delta['images'])) this.#images(delta['images'], emit);
    if (isObject(delta['audio'])) this.#audio(delta['audio'], emit);
    if (Array.isArray(delta['tool_calls']) && delta['tool_calls'].length > 0) {
      this.#closeOpen(emit);
      for (const fragment of delta['tool_calls']) if (isObject(fragment)) this.#calls.add(fragment, emit);
    }
    if (isObject(delta['function_call'])) {
      this.#closeOpen(emit);
      this.#calls.addFunctionCall(delta['function_call'], emit);
    }
  }

  #text(kind: 'text' | 'refusal', text: string, logprobs: JsonValue | undefined, emit: Emit): void {
    const block = this.#in(kind, { type: kind }, {}, emit);
    if (logprobs === undefined || logprobs === null) emit({ type: 'text', choice: this.#index, block, text });
    else emit({ type: 'text', choice: this.#index, block, text, logprobs });
  }

  /** Mistral streams thinking as content parts. */
  #parts(parts: readonly JsonValue[], emit: Emit): void {
    for (const part of parts) {
      if (!isObject(part)) continue;
      const thinking = part['type'] === 'thinking' ? thinkingText(part) : undefined;
      if (typeof part['text'] === 'string') this.#text('text', part['text'], undefined, emit);
      else if (thinking) this.#think({ type: 'reasoning', text: thinking }, 0, ['reasoning_content'], emit);
    }
  }

  #reasoning(delta: JsonObject, emit: Emit): void {
    const { blocks, spellings } = decodeReasoning(new FieldReader(delta));
    const fields = spellings['$reasoning'];
    blocks.forEach((block, i) => {
      this.#think(block, i, Array.isArray(fields) ? fields : undefined, emit);
    });
  }

  /** One piece of reasoning: words and signatures continue the open block, encrypted reasoning is a block of its own. */
  #think(piece: ReasoningBlock, at: number, fields: JsonValue[] | undefined, emit: Emit): void {
    // OpenRouter opens with an entry without words, which does not tell yet in which fields the words will come.
    if (!piece.text && !piece.summary && !hasProof(piece)) return;
    const detail = piece.carry?.[dialect]?.['$detail'];
    if (detail !== undefined && this.#provesPlain(piece, emit)) return;
    const number = isObject(detail) && typeof detail['index'] === 'number' ? detail['index'] : at;
    const { id, maker, encrypted } = piece;
    const summary = piece.summary === undefined ? undefined : true;
    const head = present({ type: 'reasoning' as const, id, maker, encrypted, summary });
    const carry = carrying(dialect, undefined, { $reasoning: fields, $detail: detail });
    const block = this.#in(encrypted === undefined ? `reasoning ${number}` : `encrypted ${number}`, head, carry, emit);
    const text = piece.text ?? piece.summary?.join('\n\n');
    if (text) {
      if (detail === undefined) this.#keepWords(block, text);
      emit({ type: 'reasoning', choice: this.#index, block, text });
    }
    if (piece.signature !== undefined)
      emit({ type: 'signature', choice: this.#index, block, signature: piece.signature });
  }

  #keepWords(block: number, text: string): void {
    if (this.#plain?.block === block) this.#plain.words += text;
    else this.#plain = { block, words: text };
  }

  /** A signed entry that repeats what came in a plain field proves that block; its words are not said twice. */
  #provesPlain({ text, signature, maker }: ReasoningBlock, emit: Emit): boolean {
    const plain = this.#plain;
    if (plain === undefined || signature === undefined || text !== plain.words || this.#open?.block !== plain.block)
      return false;
    emit(present({ type: 'signature' as const, choice: this.#index, block: plain.block, signature, maker }));
    this.#closeOpen(emit);
    return true;
  }

  #citations(annotations: readonly JsonValue[], emit: Emit): void {
    for (const annotation of annotations) {
      const citation = decodeCitation(annotation);
      if (citation === undefined) continue;
      emit({ type: 'citation', choice: this.#index, block: this.#in('text', { type: 'text' }, {}, emit), citation });
    }
  }

  #images(images: JsonValue[], emit: Emit): void {
    for (const image of decodeContent(images)) {
      if (image.type !== 'image') continue;
      this.#in('image', { type: 'media', block: image }, {}, emit);
      this.#closeOpen(emit);
    }
  }

  #audio(audio: JsonObject, emit: Emit): void {
    const { id, data, transcript, ...rest } = audio;
    const head = present({ type: 'audio' as const, id: typeof id === 'string' ? id : undefined });
    const block = this.#in(
      'audio',
      head,
      carrying(dialect, undefined, { $audio: Object.keys(rest).length === 0 ? undefined : rest }),
      emit,
    );
    const piece = present({
      data: typeof data === 'string' ? data : undefined,
      transcript: typeof transcript === 'string' ? transcript : undefined,
    });
    if (piece.data !== undefined || piece.transcript !== undefined)
      emit({ type: 'audio', choice: this.#index, block, ...piece });
  }

  /** The open block of this kind, opened if another is open now. */
  #in(kind: string, head: BlockHead, carry: Carrier, emit: Emit): number {
    if (this.#open?.kind === kind) return this.#open.block;
    this.#closeOpen(emit);
    const block = this.#blocks++;
    this.#open = { kind, block };
    emit({ type: 'block-start', choice: this.#index, block, head, ...carry });
    return block;
  }

  #closeOpen(emit: Emit): void {
    if (this.#open === undefined) return;
    emit({ type: 'block-end', choice: this.#index, block: this.#open.block });
    this.#open = undefined;
  }
}

function hasTokens(logprobs: JsonValue | undefined): boolean {
  return isObject(logprobs) && Array.isArray(logprobs['content']) && logprobs['content'].length > 0;
}
