import { isDeepStrictEqual } from 'node:util';
import type { AnswerEvent, Block, BlockHead, Finish, Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { present } from '../present.ts';
import { dialectId } from './dialect-id.ts';
import { encodeAnswerBlock, inputForClient, sealedCallProof, signatureOf } from './encode-answer.ts';
import { encodeCitation } from './encode-block.ts';
import { carriedFields, spellingOf } from './fields.ts';
import { encodeFinish, refusedFinish } from './finish.ts';
import { decodeUsage, encodeUsage } from './usage.ts';

type Started = Extract<AnswerEvent, { type: 'block-start' }>;
type Delta = Extract<AnswerEvent, { type: 'text' | 'reasoning' | 'signature' | 'arguments' | 'citation' | 'audio' }>;

/** A block whose turn has not come, or that is being written. */
interface PendingBlock {
  readonly start: Started;
  readonly deltas: Delta[];
  ended: boolean;
}

/**
 * Writes a Messages API event stream. Blocks are sequential here, so what interleaves is held back until its turn;
 * `message_delta` waits for the usage, which many providers send last.
 */
export class MessagesStreamEncoder implements StreamEncoder {
  readonly #context: AnswerContext;
  readonly #queue: PendingBlock[] = [];
  #index = 0;
  #finish: Finish | undefined;
  #finishFields: JsonObject = {};
  #usage: { readonly usage: Usage; readonly read: JsonObject | undefined } | undefined;
  #started = false;
  /** The signatures of the block being written: a call's is written when the call is done. */
  #proofs: string[] = [];
  #proofMaker: string | undefined;
  /** Arguments of the call being written that cannot go out yet. */
  #held = '';
  #isObject = false;
  #refused = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  event(event: AnswerEvent): string {
    if ('choice' in event && event.choice !== 0) return '';
    switch (event.type) {
      case 'start':
        return this.#start(event);
      case 'block-start':
        this.#refused ||= event.head.type === 'refusal';
        this.#queue.push({ start: event, deltas: [], ended: false });
        return this.#queue.length === 1 ? this.#ensureStarted() + this.#openBlock(event) : '';
      case 'block-end':
        return this.#endBlock(event.block);
      case 'finish':
        this.#finish = event.finish;
        this.#finishFields = carriedFields(event, dialectId);
        return '';
      case 'usage': {
        this.#usage = { usage: event.usage, read: usageAsRead(event) };
        return '';
      }
      case 'end':
        return this.#end();
      case 'native':
        return event.dialect === dialectId && isObject(event.value) ? record(event.value) : '';
      default:
        return this.#delta(event);
    }
  }

  #start(event: Extract<AnswerEvent, { type: 'start' }>): string {
    this.#started = true;
    const { usage, ...rest } = carriedFields(event, dialectId);
    const message = {
      id: event.id || `msg_${this.#context.requestId}`,
      type: 'message',
      role: 'assistant',
      model: event.model ?? this.#context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      // Most formats count at the end only; the SDKs overwrite these numbers with those of message_delta.
      usage: usage ?? { input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
      ...rest,
    };
    return record({ type: 'message_start', message });
  }

  #ensureStarted(): string {
    return this.#started ? '' : this.#start({ type: 'start' });
  }

  #delta(event: Delta): string {
    const pending = this.#queue.find((block) => block.start.block === event.block);
    if (pending === undefined) return '';
    if (pending !== this.#queue[0]) {
      pending.deltas.push(event);
      return '';
    }
    return this.#writeDelta(pending.start, event);
  }

  #openBlock({ head, ...carrier }: Started): string {
    this.#proofs = [];
    this.#proofMaker = undefined;
    this.#held = '';
    this.#isObject = false;
    if (isHidden(head, carrier)) return '';
    const [first] = wholeBlock(head);
    if (first === undefined) return '';
    const { input } = first;
    const streamsInput = isObject(input) && head.type === 'provider-item';
    const content_block = { ...first, ...(streamsInput ? { input: {} } : {}), ...carriedFields(carrier, dialectId) };
    const opened = record({ type: 'content_block_start', index: this.#index, content_block });
    // Anthropic opens every input with an empty fragment.
    if (head.type === 'tool-call') return opened + this.#inputDelta('');
    return streamsInput ? opened + this.#inputDelta('') + this.#inputDelta(JSON.stringify(input)) : opened;
  }

  #writeDelta({ head, ...carrier }: Started, event: Delta): string {
    if (isHidden(head, carrier)) return '';
    switch (event.type) {
      case 'text':
        return this.#blockDelta({ type: 'text_delta', text: event.text });
      case 'reasoning':
        return this.#blockDelta({ type: 'thinking_delta', thinking: event.text });
      case 'citation':
        return this.#blockDelta({ type: 'citations_delta', citation: encodeCitation(event.citation) });
      case 'audio':
        return event.transcript ? this.#blockDelta({ type: 'text_delta', text: event.transcript }) : '';
      case 'arguments':
        return this.#writeArguments(head, event.text);
      case 'signature':
        this.#proofs.push(event.signature);
        this.#proofMaker = event.maker;
        return '';
    }
  }

  #endBlock(number: number): string {
    const pending = this.#queue.find((block) => block.start.block === number);
    if (pending === undefined) return '';
    pending.ended = true;
    if (pending !== this.#queue[0]) return '';
    let text = this.#closeBlock(pending.start);
    this.#queue.shift();
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const { start } = next;
      text += this.#openBlock(start) + next.deltas.map((delta) => this.#writeDelta(start, delta)).join('');
      if (!next.ended) break;
      text += this.#closeBlock(start);
      this.#queue.shift();
    }
    return text;
  }

  #closeBlock({ head, ...carrier }: Started): string {
    if (isHidden(head, carrier) || wholeBlock(head).length === 0) return '';
    let text = '';
    if (head.type === 'reasoning' && head.encrypted === undefined) text += this.#writeSignature(head);
    else if (head.type === 'reasoning' && head.maker !== 'anthropic') text += this.#writeSignature(head);
    if (head.type === 'tool-call') text += this.#writeHeld(head);
    text += record({ type: 'content_block_stop', index: this.#index });
    this.#index += 1;
    return head.type === 'tool-call' ? text + this.#writeCallProof(head) : text;
  }

  /** An object goes out as it comes. Anything else some models write for arguments; clients read objects alone. */
  #writeArguments(head: BlockHead, text: string): string {
    if (this.#isObject) return this.#inputDelta(text);
    this.#held += text;
    const isCustom = head.type === 'tool-call' && head.kind === 'custom';
    if (isCustom || !this.#held.trimStart().startsWith('{')) return '';
    this.#isObject = true;
    return this.#inputDelta(this.#held);
  }

  #writeHeld({ kind }: Extract<BlockHead, { type: 'tool-call' }>): string {
    if (this.#isObject || (kind !== 'custom' && this.#held.trim() === '')) return '';
    return this.#inputDelta(JSON.stringify(inputForClient({ arguments: this.#held, ...present({ kind }) })));
  }

  #writeSignature(head: Extract<BlockHead, { type: 'reasoning' }>): string {
    const { encrypted, id } = head;
    const maker = this.#proofMaker ?? head.maker;
    const read = this.#proofs.length > 0 ? this.#proofs.join('') : undefined;
    const signature = signatureOf({ type: 'reasoning', ...present({ maker, encrypted, id, signature: read }) });
    return signature === '' ? '' : this.#blockDelta({ type: 'signature_delta', signature });
  }

  #writeCallProof({ id, itemId, ...head }: Extract<BlockHead, { type: 'tool-call' }>): string {
    const maker = this.#proofMaker ?? head.maker;
    const [block] = sealedCallProof({ id, ...present({ maker, itemId, signature: this.#proofs[0] }) });
    if (block === undefined) return '';
    const index = this.#index;
    this.#index += 1;
    return (
      record({ type: 'content_block_start', index, content_block: block }) +
      record({ type: 'content_block_stop', index })
    );
  }

  #inputDelta(partial_json: string): string {
    return this.#blockDelta({ type: 'input_json_delta', partial_json });
  }

  #blockDelta(delta: JsonObject): string {
    return record({ type: 'content_block_delta', index: this.#index, delta });
  }

  #end(): string {
    let text = this.#ensureStarted();
    while (this.#queue[0] !== undefined) text += this.#endBlock(this.#queue[0].start.block);
    const usage = this.#usage;
    const counted = usage?.read ?? encodeUsage(usage?.usage ?? { input: 0, output: 0 }, undefined);
    const finish = this.#finish ?? { reason: 'stop' };
    const delta = { ...encodeFinish(this.#refused ? refusedFinish(finish) : finish), ...this.#finishFields };
    text += record({ type: 'message_delta', delta, usage: counted });
    return text + record({ type: 'message_stop' });
  }
}

/** The usage of `message_delta` as it was read, unless somebody changed the numbers since. */
function usageAsRead(event: Extract<AnswerEvent, { type: 'usage' }>): JsonObject | undefined {
  const [delta, all] = [spellingOf(event, dialectId, '$delta'), spellingOf(event, dialectId, '$usage')];
  return isObject(delta) && isObject(all) && isDeepStrictEqual(decodeUsage(all), event.usage) ? delta : undefined;
}

/** The block as it stands when it opens. */
function wholeBlock(head: BlockHead): JsonObject[] {
  switch (head.type) {
    case 'text':
    case 'refusal':
    case 'audio':
      return [{ type: 'text', text: '' }];
    case 'reasoning':
      if (head.encrypted !== undefined && head.maker === 'anthropic')
        return [{ type: 'redacted_thinking', data: head.encrypted }];
      return [{ type: 'thinking', thinking: '', signature: '' }];
    case 'tool-call':
      return [{ type: 'tool_use', id: head.id, name: head.name, input: {} }];
    default:
      return encodeAnswerBlock(head.block);
  }
}

/** A refusal made of `stop_details` goes back there. */
function isHidden(head: BlockHead, carrier: Pick<Block, 'carry'>): boolean {
  return head.type === 'refusal' && spellingOf(carrier, dialectId, '$in') === 'stop_details';
}

/** One SSE record; the SDKs skip records without an event name. */
function record(event: JsonObject & { readonly type?: JsonValue }): string {
  return `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`;
}
