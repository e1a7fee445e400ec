import type { AnswerEvent, BlockHead, Finish, Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { present } from '../present.ts';
import { encodeCitation } from './encode-answer.ts';
import { encodeFinish } from './finish.ts';
import { dialectId, kept } from './notes.ts';
import { encodeUsage } from './usage.ts';

type Event<T extends AnswerEvent['type']> = Extract<AnswerEvent, { type: T }>;

interface OpenBlock {
  readonly kind: 'content' | 'thinking' | 'plan' | 'call' | 'none';
  /** Index among the blocks of its kind, as Cohere counts them. */
  readonly index: number;
}

/** Writes the typed events of v2, with `event:` names. Only the first choice is written: Cohere knows no other. */
export class CohereStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #open = new Map<number, OpenBlock>();
  #contents = 0;
  #calls = 0;
  #citations = 0;
  #finish: { readonly finish: Finish; readonly rest: JsonObject } | undefined;
  #usage: { readonly usage: Usage; readonly rest: JsonObject } | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  event(event: AnswerEvent): string {
    if ('choice' in event && event.choice !== 0) return '';
    switch (event.type) {
      case 'start':
        return this.#start(event);
      case 'block-start':
        return this.#blockStart(event);
      case 'text':
      case 'reasoning':
        return this.#text(event);
      case 'arguments':
        return this.#record('tool-call-delta', event.block, { tool_calls: { function: { arguments: event.text } } });
      case 'citation':
        return this.#citation(event);
      case 'block-end':
        return this.#blockEnd(event);
      case 'finish':
        this.#finish = { finish: event.finish, rest: kept(event).fields };
        return '';
      case 'usage':
        this.#usage = { usage: event.usage, rest: kept(event).fields };
        return '';
      case 'native':
        return event.dialect === dialectId && isObject(event.value) && event.name !== undefined
          ? record(event.name, event.value)
          : '';
      case 'end':
        return this.#end();
      default:
        return '';
    }
  }

  #start(event: Event<'start'>): string {
    const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
    const id = event.id ?? this.#context.requestId;
    return record('message-start', { id, type: 'message-start', delta: { message }, ...kept(event).fields });
  }

  #blockStart(event: Event<'block-start'>): string {
    const { head } = event;
    const kind = kept(event).notes.plan ? 'plan' : kindOf(head);
    const index = kind === 'call' ? this.#calls++ : kind === 'content' || kind === 'thinking' ? this.#contents++ : 0;
    this.#open.set(event.block, { kind, index });
    if (head.type === 'tool-call') {
      const called = { id: head.id, type: 'function', function: { name: head.name, arguments: '' } };
      return this.#record('tool-call-start', event.block, { tool_calls: called });
    }
    if (kind === 'content') return this.#record('content-start', event.block, { content: { type: 'text', text: '' } });
    if (kind === 'thinking')
      return this.#record('content-start', event.block, { content: { type: 'thinking', thinking: '' } });
    return '';
  }

  #text({ block, text }: Event<'text' | 'reasoning'>): string {
    switch (this.#open.get(block)?.kind) {
      case 'plan':
        return record('tool-plan-delta', { type: 'tool-plan-delta', delta: { message: { tool_plan: text } } });
      case 'content':
        return this.#record('content-delta', block, { content: { text } });
      case 'thinking':
        return this.#record('content-delta', block, { content: { thinking: text } });
      default:
        return '';
    }
  }

  #citation({ citation }: Event<'citation'>): string {
    const index = this.#citations++;
    const start = { type: 'citation-start', index, delta: { message: { citations: encodeCitation(citation) } } };
    return record('citation-start', start) + record('citation-end', { type: 'citation-end', index });
  }

  #blockEnd({ block }: Event<'block-end'>): string {
    const open = this.#open.get(block);
    this.#open.delete(block);
    if (open === undefined || open.kind === 'plan' || open.kind === 'none') return '';
    const type = open.kind === 'call' ? 'tool-call-end' : 'content-end';
    return record(type, { type, index: open.index });
  }

  #end(): string {
    const { id, ...rest } = this.#finish?.rest ?? {};
    const word = this.#finish === undefined ? 'COMPLETE' : encodeFinish(this.#finish.finish);
    const readUsage = this.#usage?.rest['usage'];
    const usage = this.#usage && encodeUsage(this.#usage.usage, isObject(readUsage) ? readUsage : undefined);
    const delta = { ...rest, finish_reason: word, ...present({ usage }) };
    return record('message-end', { type: 'message-end', ...present({ id }), delta });
  }

  #record(type: string, block: number, message: JsonObject): string {
    const open = this.#open.get(block);
    return open === undefined ? '' : record(type, { type, index: open.index, delta: { message } });
  }
}

function kindOf(head: BlockHead): OpenBlock['kind'] {
  switch (head.type) {
    case 'text':
    case 'refusal':
      return 'content';
    case 'reasoning':
      return 'thinking';
    case 'tool-call':
      return 'call';
    default:
      return 'none';
  }
}

function record(name: string, value: JsonObject): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
