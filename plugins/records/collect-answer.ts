import type {
  Answer,
  AnswerEvent,
  Block,
  BlockHead,
  Carrier,
  Finish,
  StreamTransform,
} from '../../plugin-sdk/index.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Growing = Record<string, unknown> & { type: string };

/** Watches a stream go by and puts its answer together. */
export class AnswerCollector implements StreamTransform {
  readonly observes = true;
  readonly #maxLength: number;
  readonly #choices = new Map<number, { readonly blocks: Map<number, Growing>; finish: Finish | undefined }>();
  #answer: Writable<Answer> = { choices: [] };
  #length = 0;
  /** Text beyond the limit was left out. */
  truncated = false;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  event(event: AnswerEvent): void {
    this.#note(event);
  }

  get id(): string | undefined {
    return this.#answer.id;
  }

  get answer(): Answer {
    const choices = [...this.#choices]
      .sort(([a], [b]) => a - b)
      .map(([index, { blocks, finish }]) => ({
        index,
        blocks: [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block as unknown as Block),
        ...(finish === undefined ? {} : { finish }),
      }));
    return { ...this.#answer, choices };
  }

  #note(event: AnswerEvent): void {
    switch (event.type) {
      case 'start':
        Object.assign(
          this.#answer,
          present({ id: event.id, model: event.model, created: event.created, carry: event.carry }),
        );
        return;
      case 'block-start':
        this.#choice(event.choice).blocks.set(event.block, opened(event.head, event));
        return;
      case 'text':
        this.#append(event, 'text', event.text);
        return;
      case 'reasoning':
        this.#append(event, 'text', event.text);
        return;
      case 'arguments':
        this.#append(event, 'arguments', event.text);
        return;
      case 'signature':
        this.#append(event, 'signature', event.signature);
        if (event.maker !== undefined) Object.assign(this.#block(event) ?? {}, { maker: event.maker });
        return;
      case 'citation': {
        const block = this.#block(event);
        if (block !== undefined) block['citations'] = [...((block['citations'] as unknown[]) ?? []), event.citation];
        return;
      }
      case 'audio':
        this.#append(event, 'transcript', event.transcript ?? '');
        return;
      case 'finish':
        this.#choice(event.choice).finish = event.finish;
        return;
      case 'usage':
        this.#answer = { ...this.#answer, usage: event.usage };
        return;
      default:
        return;
    }
  }

  #append(at: { readonly choice: number; readonly block: number }, member: string, text: string): void {
    const block = this.#block(at);
    if (block === undefined) return;
    this.#length += text.length;
    if (this.#length > this.#maxLength) this.truncated = true;
    else block[member] = ((block[member] as string | undefined) ?? '') + text;
  }

  #block({ choice, block }: { readonly choice: number; readonly block: number }): Growing | undefined {
    return this.#choices.get(choice)?.blocks.get(block);
  }

  #choice(index: number) {
    let choice = this.#choices.get(index);
    if (choice === undefined) this.#choices.set(index, (choice = { blocks: new Map(), finish: undefined }));
    return choice;
  }
}

function opened(head: BlockHead, { carry }: Carrier): Growing {
  const carried = carry === undefined ? {} : { carry };
  if (head.type === 'media' || head.type === 'provider-item') return { ...head.block, ...carried };
  if (head.type === 'text' || head.type === 'refusal') return { type: head.type, text: '', ...carried };
  if (head.type === 'tool-call') return { ...head, arguments: '', ...carried };
  if (head.type === 'audio') return { ...head, source: { kind: 'base64', mediaType: 'audio/*', data: '' }, ...carried };
  const { summary: _, ...reasoning } = head;
  return { ...reasoning, ...carried };
}

function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
