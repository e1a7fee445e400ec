import type { AnswerEvent, AudioBlock, BlockHead, Citation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { carried, wireFields } from '../openai/carry.ts';
import { encodeProof } from '../openai/tool-call-proof.ts';
import { sameOrNew, writeChatUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { audioLife, completionId, usesFunctions } from './encode-answer.ts';
import { encodeCitation, inWhole, soundOf } from './encode-assistant.ts';
import { encodeParts } from './encode-content.ts';
import { failureField, finishWord } from './finish.ts';
import { completeChunk, mergeChunk } from './merge-chunk.ts';
import { StreamedReasoning } from './streamed-reasoning.ts';

const dialect = 'openai.chat';

export function encodeStream(context: AnswerContext): StreamEncoder {
  return new ChatStreamEncoder(context);
}

type Event<Type extends AnswerEvent['type']> = Extract<AnswerEvent, { type: Type }>;

interface OpenBlock {
  /** Of a tool call: whether arguments were written. */
  filled: boolean;
  readonly head: BlockHead;
  /** Of a tool call: its number among the calls of the choice. */
  readonly call: number;
  readonly oldStyle: boolean;
  readonly reasoning: StreamedReasoning | undefined;
  /** Where its text begins in that of the choice, and how much there is of it. */
  readonly from: number;
  length: number;
  /** Those that cite for the whole block, whose end is not known yet. */
  readonly citations: Citation[];
}

/**
 * Writes chunks. Every choice begins with its role; tool calls count from 0 per choice; id, created and model never
 * change; usage comes in one chunk without choices, if the client asked; [DONE] follows only a proper end.
 */
class ChatStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #functions: boolean;
  readonly #usageWanted: boolean;
  /** The stream was read from this dialect. */
  #own = false;
  /** All chunk text before a choice's index, and all after its finish reason. */
  #before: string;
  readonly #after: string;
  readonly #begun = new Set<number>();
  readonly #blocks = new Map<string, OpenBlock>();
  readonly #calls = new Map<number, number>();
  /** Length of the text of a choice in the blocks that are closed. */
  readonly #said = new Map<number, number>();
  /** A partial chunk of fields that no event has a word for; joins the next chunk. */
  #extras: JsonObject | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#functions = usesFunctions(context.conversation.tools);
    this.#usageWanted = context.conversation.streamUsage === true;
    this.#before = this.#envelope({ type: 'start' });
    this.#after = this.#usageWanted ? '}],"usage":null}\n\n' : '}]}\n\n';
  }

  event(event: AnswerEvent): string {
    switch (event.type) {
      case 'text':
        return this.#text(event);
      case 'arguments':
        return this.#arguments(event);
      case 'reasoning':
        return this.#delta(event.choice, this.#block(event)?.reasoning?.words(event.text) ?? '');
      case 'start':
        this.#own = carried(event, dialect) !== undefined;
        this.#before = this.#envelope(event);
        return '';
      case 'block-start':
        return this.#open(event);
      case 'signature':
        return this.#signature(event);
      case 'citation':
        return this.#citation(event);
      case 'audio':
        return this.#delta(
          event.choice,
          JSON.stringify({ audio: present({ data: event.data, transcript: event.transcript }) }),
        );
      case 'block-end':
        return this.#close(event);
      case 'finish':
        return this.#finish(event);
      case 'usage':
        return this.#usage(event);
      case 'native':
        if (event.dialect === dialect && isObject(event.value))
          this.#extras = mergeChunk(this.#extras ?? {}, event.value);
        return '';
      case 'end':
        return `${this.#flushExtras()}data: [DONE]\n\n`;
    }
  }

  /** The frequent case: one template, JSON only for the text itself. */
  #text(event: Event<'text'>): string {
    const block = this.#block(event);
    const field = block?.head.type === 'refusal' ? 'refusal' : 'content';
    if (block !== undefined) block.length += event.text.length;
    const delta = `{"${field}":${JSON.stringify(event.text)}}`;
    return this.#delta(event.choice, delta, event.logprobs);
  }

  #arguments(event: Event<'arguments'>): string {
    const block = this.#block(event);
    if (block?.head.type !== 'tool-call') return '';
    block.filled = true;
    const text = JSON.stringify(event.text);
    if (block.oldStyle) return this.#delta(event.choice, `{"function_call":{"arguments":${text}}}`);
    const inner = block.head.kind === 'custom' ? `"custom":{"input":${text}}` : `"function":{"arguments":${text}}`;
    return this.#delta(event.choice, `{"tool_calls":[{"index":${block.call},${inner}}]}`);
  }

  #open(event: Event<'block-start'>): string {
    const { choice, block, head } = event;
    const own = carried(event, dialect);
    const oldStyle = own?.['$in'] === 'function_call' || (own === undefined && this.#functions);
    const call = head.type === 'tool-call' ? (this.#calls.get(choice) ?? 0) : 0;
    const reasoning = head.type === 'reasoning' ? new StreamedReasoning(head, own, block) : undefined;
    const filled = own !== undefined || this.#own;
    const from = this.#said.get(choice) ?? 0;
    const opened: OpenBlock = { head, call, oldStyle, reasoning, filled, from, length: 0, citations: [] };
    this.#blocks.set(`${choice} ${block}`, opened);
    switch (head.type) {
      case 'tool-call':
        this.#calls.set(choice, call + 1);
        return this.#delta(choice, firstFragment(head, call, oldStyle, own), undefined, 'null');
      case 'reasoning':
        return this.#delta(choice, reasoning!.opening());
      case 'audio':
        return this.#delta(
          choice,
          JSON.stringify({ audio: present({ id: head.id, ...asObject(own?.['$audio']) }) }),
          undefined,
          'null',
        );
      case 'media': {
        if (head.block.type === 'audio') return this.#delta(choice, this.#sound(head.block), undefined, 'null');
        const placed = [{ block: head.block, path: '' }];
        const images = encodeParts(placed, { capabilities: {}, own: false, lost: () => {} });
        return images.length > 0 ? this.#delta(choice, JSON.stringify({ images })) : '';
      }
      default:
        return '';
    }
  }

  /** A call without arguments still has to give its client JSON. */
  #close({ choice, block }: Event<'block-end'>): string {
    const closed = this.#block({ choice, block });
    if (closed?.head.type === 'text') {
      this.#said.set(choice, closed.from + closed.length);
      return closed.citations
        .map((citation) => this.#annotation(choice, inWhole(citation, closed.from, closed.length)))
        .join('');
    }
    if (closed?.reasoning !== undefined) return this.#delta(choice, closed.reasoning.closing());
    if (closed?.head.type !== 'tool-call' || closed.filled || closed.head.kind === 'custom') return '';
    return this.#arguments({ type: 'arguments', choice, block, text: '{}' });
  }

  #signature(event: Event<'signature'>): string {
    const block = this.#block(event);
    if (block?.head.type !== 'tool-call')
      return this.#delta(event.choice, block?.reasoning?.signature(event.signature, event.maker) ?? '');
    const proof = encodeProof(present({ signature: event.signature, maker: event.maker ?? block.head.maker }));
    return this.#delta(event.choice, JSON.stringify({ tool_calls: [{ index: block.call, ...proof }] }));
  }

  #citation(event: Event<'citation'>): string {
    const { choice, citation } = event;
    const block = this.#block(event);
    if (block === undefined || this.#own) return this.#annotation(choice, citation);
    if (citation.end !== undefined) return this.#annotation(choice, inWhole(citation, block.from, 0));
    block.citations.push(citation);
    return '';
  }

  #sound({ source, transcript = '' }: AudioBlock): string {
    if (source.kind !== 'base64') return '';
    const id = `audio_${this.#context.requestId}`;
    const expires_at = this.#context.now + audioLife;
    return JSON.stringify({ audio: { id, data: soundOf(source, false), transcript, expires_at } });
  }

  #annotation(choice: number, citation: Citation): string {
    const annotation = encodeCitation(citation);
    return annotation === undefined ? '' : this.#delta(choice, JSON.stringify({ annotations: [annotation] }));
  }

  #finish(event: Event<'finish'>): string {
    const word = finishWord(event.finish, carried(event, dialect));
    const said = this.#functions && word === 'tool_calls' ? 'function_call' : word;
    const failure = this.#own ? {} : failureField(event.finish);
    const more = failure.native_finish_reason === undefined ? '' : `,${JSON.stringify(failure).slice(1, -1)}`;
    return this.#delta(event.choice, '{}', undefined, '""', JSON.stringify(said) + more);
  }

  #usage(event: Event<'usage'>): string {
    if (!this.#usageWanted) return '';
    const usage = sameOrNew(carried(event, dialect)?.['$usage'], event.usage, writeChatUsage);
    return this.#withExtras(`${this.#before.slice(0, -choiceStart.length)}[],"usage":${JSON.stringify(usage)}}\n\n`);
  }

  /** A chunk with one delta, after the role if it is the choice's first. `''` as delta gives nothing. */
  #delta(choice: number, delta: string, logprobs?: JsonValue, emptyContent = '""', finish = 'null'): string {
    if (delta === '') return '';
    const opening = this.#begun.has(choice) ? '' : this.#begin(choice, emptyContent);
    const tokens = logprobs === undefined ? 'null' : JSON.stringify(logprobs);
    const chunk = `${this.#before}${choice},"delta":${delta},"logprobs":${tokens},"finish_reason":${finish}${this.#after}`;
    return this.#extras === undefined ? opening + chunk : opening + this.#withExtras(chunk);
  }

  #begin(choice: number, content: string): string {
    this.#begun.add(choice);
    return this.#withExtras(
      `${this.#before}${choice},"delta":{"role":"assistant","content":${content},"refusal":null},"logprobs":null,"finish_reason":null${this.#after}`,
    );
  }

  #withExtras(chunk: string): string {
    if (this.#extras === undefined) return chunk;
    const merged = mergeChunk(JSON.parse(chunk.slice('data: '.length)) as JsonObject, this.#extras);
    this.#extras = undefined;
    return `data: ${JSON.stringify(merged)}\n\n`;
  }

  #flushExtras(): string {
    if (this.#extras === undefined) return '';
    this.#extras = completeChunk(this.#extras);
    return this.#withExtras(`${this.#before.slice(0, -choiceStart.length)}[]}\n\n`);
  }

  #block({ choice, block }: { readonly choice: number; readonly block: number }): OpenBlock | undefined {
    return this.#blocks.get(`${choice} ${block}`);
  }

  #envelope(start: Event<'start'>): string {
    const { requestId, now, model } = this.#context;
    const own = carried(start, dialect);
    const envelope = JSON.stringify({
      id: own !== undefined && start.id !== undefined ? start.id : completionId(requestId),
      object: 'chat.completion.chunk',
      created: start.created ?? now,
      model: start.model ?? model,
      ...wireFields(own),
    });
    return `data: ${envelope.slice(0, -1)},"choices":${choiceStart}`;
  }
}

const choiceStart = '[{"index":';

function firstFragment(
  head: Extract<BlockHead, { type: 'tool-call' }>,
  index: number,
  oldStyle: boolean,
  own: JsonObject | undefined,
): string {
  const { id, name, kind = 'function' } = head;
  if (oldStyle) return JSON.stringify({ function_call: { name, arguments: '' } });
  const inner = kind === 'custom' ? { name, input: '' } : { name, arguments: '' };
  return JSON.stringify({ tool_calls: [{ index, id, type: kind, [kind]: inner, ...wireFields(own) }] });
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
