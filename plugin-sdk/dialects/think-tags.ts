import type { AnswerChoice, AnswerEvent, Block } from '../conversation/index.ts';
import type { AnswerFilter } from './answer-filter.ts';

/** The tags in which some open models write their thinking at the beginning of a text: `think` for `<think>…</think>`. */
export type ThinkTags = readonly string[];

interface Piece {
  readonly kind: 'reasoning' | 'text';
  readonly text: string;
}

/**
 * Parts a text, in pieces of any size, into the thinking at its beginning and the answer. White space around the tags
 * belongs to neither. A text that begins otherwise passes as it is; thinking that is never closed is thinking to the end.
 */
class TaggedText {
  readonly #tags: ThinkTags;
  #state: 'before' | 'within' | 'behind' | 'text' = 'before';
  #held = '';
  #close = '';
  #thought = false;

  constructor(tags: ThinkTags) {
    this.#tags = tags;
  }

  read(text: string): Piece[] {
    if (this.#state === 'text') return [{ kind: 'text', text }];
    this.#held += text;
    const pieces: Piece[] = [];
    if (this.#state === 'before') this.#open(pieces);
    if (this.#state === 'within') this.#think(pieces);
    if (this.#state === 'behind') this.#answer(pieces);
    return pieces;
  }

  /** What was held back in the hope of more. */
  end(): Piece[] {
    const held = this.#held;
    this.#held = '';
    if (this.#state === 'before' && held !== '') return [{ kind: 'text', text: held }];
    const thought = this.#state === 'within' ? held.trimEnd() : '';
    return thought === '' ? [] : [{ kind: 'reasoning', text: thought }];
  }

  #open(pieces: Piece[]): void {
    const start = this.#held.trimStart();
    const tag = this.#tags.find((name) => start.startsWith(`<${name}>`));
    if (tag !== undefined) {
      this.#state = 'within';
      this.#close = `</${tag}>`;
      this.#held = start.slice(tag.length + 2);
    } else if (start !== '' && !this.#tags.some((name) => `<${name}>`.startsWith(start))) {
      this.#state = 'text';
      pieces.push({ kind: 'text', text: this.#held });
      this.#held = '';
    }
  }

  #think(pieces: Piece[]): void {
    if (!this.#thought) this.#held = this.#held.trimStart();
    const end = this.#held.indexOf(this.#close);
    const thought =
      end < 0 ? this.#held.slice(0, this.#held.length - this.#undecided()) : this.#held.slice(0, end).trimEnd();
    if (thought !== '') {
      pieces.push({ kind: 'reasoning', text: thought });
      this.#thought = true;
    }
    this.#held = end < 0 ? this.#held.slice(thought.length) : this.#held.slice(end + this.#close.length);
    if (end >= 0) this.#state = 'behind';
  }

  /** How much at the end may be white space before the closing tag, and the beginning of it. */
  #undecided(): number {
    let tag = Math.min(this.#close.length - 1, this.#held.length);
    while (tag > 0 && !this.#held.endsWith(this.#close.slice(0, tag))) tag -= 1;
    return this.#held.length - this.#held.slice(0, this.#held.length - tag).trimEnd().length;
  }

  #answer(pieces: Piece[]): void {
    const text = this.#held.trimStart();
    this.#held = '';
    if (text === '') return;
    this.#state = 'text';
    pieces.push({ kind: 'text', text });
  }
}

/** Gives thinking that stood in tags as reasoning of its own. */
export function thinkTagsFilter(tags: ThinkTags): AnswerFilter {
  return {
    answer(answer) {
      const choices = answer.choices.map((choice) => parted(choice, tags));
      return choices.some((choice, i) => choice !== answer.choices[i]) ? { ...answer, choices } : answer;
    },

    stream(emit) {
      const choices = new Map<number, TaggedChoice>();
      return (event) => {
        if (!('block' in event)) {
          emit(event);
          return;
        }
        let choice = choices.get(event.choice);
        if (choice === undefined) choices.set(event.choice, (choice = new TaggedChoice(tags, emit)));
        choice.event(event);
      };
    },
  };
}

function parted(choice: AnswerChoice, tags: ThinkTags): AnswerChoice {
  const at = choice.blocks.findIndex(({ type }) => type === 'text');
  const block = choice.blocks[at];
  if (block?.type !== 'text' || choice.blocks.some(({ type }) => type === 'reasoning')) return choice;
  const reader = new TaggedText(tags);
  const pieces = [...reader.read(block.text), ...reader.end()];
  const textOf = (kind: Piece['kind']): string =>
    pieces.map((piece) => (piece.kind === kind ? piece.text : '')).join('');
  const text = textOf('text');
  if (text === block.text) return choice;
  const thought = textOf('reasoning');
  const instead: Block[] = [];
  if (thought !== '') instead.push({ type: 'reasoning', text: thought });
  if (text !== '') instead.push({ ...block, text });
  return { ...choice, blocks: choice.blocks.toSpliced(at, 1, ...instead) };
}

type BlockEvent = Extract<AnswerEvent, { readonly block: number }>;

/** One choice. Its first text is looked at; blocks behind it move up by one, since there may be two in its place. */
class TaggedChoice {
  readonly #emit: (event: AnswerEvent) => void;
  readonly #reader: TaggedText;
  #start: Extract<AnswerEvent, { type: 'block-start' }> | undefined = undefined;
  #open: Piece['kind'] | undefined = undefined;
  /** Reasoning came in a field of its own. */
  #plain = false;

  constructor(tags: ThinkTags, emit: (event: AnswerEvent) => void) {
    this.#reader = new TaggedText(tags);
    this.#emit = emit;
  }

  event(event: BlockEvent): void {
    if (event.type === 'block-start' && this.#start === undefined && !this.#plain) {
      this.#plain = event.head.type === 'reasoning';
      if (event.head.type === 'text') {
        this.#start = event;
        return;
      }
    }
    const first = this.#start?.block;
    if (first === undefined || event.block < first) this.#emit(event);
    else if (event.block > first) this.#emit({ ...event, block: event.block + 1 });
    else this.#inFirst(event);
  }

  #inFirst(event: BlockEvent): void {
    if (event.type === 'text') {
      const pieces = this.#reader.read(event.text);
      const whole = pieces.length === 1 && pieces[0]!.text === event.text;
      for (const piece of pieces) this.#say(piece, whole ? event : undefined);
    } else if (event.type === 'block-end') {
      for (const piece of this.#reader.end()) this.#say(piece, undefined);
      if (this.#open !== undefined) this.#emit({ ...event, block: this.#number() });
      this.#open = undefined;
    } else {
      for (const piece of this.#reader.end()) this.#say(piece, undefined);
      this.#become('text');
      this.#emit({ ...event, block: this.#number() });
    }
  }

  #say({ kind, text }: Piece, original: Extract<AnswerEvent, { type: 'text' }> | undefined): void {
    this.#become(kind);
    const { choice } = this.#start!;
    const block = this.#number();
    if (kind === 'reasoning') this.#emit({ type: 'reasoning', choice, block, text });
    else this.#emit(original === undefined ? { type: 'text', choice, block, text } : { ...original, block });
  }

  #become(kind: Piece['kind']): void {
    if (this.#open === kind) return;
    const start = this.#start!;
    if (this.#open !== undefined) this.#emit({ type: 'block-end', choice: start.choice, block: this.#number() });
    this.#open = kind;
    this.#emit(
      kind === 'text'
        ? { ...start, block: this.#number() }
        : { type: 'block-start', choice: start.choice, block: this.#number(), head: { type: 'reasoning' } },
    );
  }

  #number(): number {
    return this.#start!.block + (this.#open === 'text' ? 1 : 0);
  }
}
