import type { BlockHead, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { asUnreadable } from '../anthropic-messages/decode-answer.ts';
import { asObject, carrying, unknownFields } from '../anthropic-messages/fields.ts';
import { ReceivedCalls } from '../anthropic-messages/received-calls.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { freeText } from '../free-text.ts';
import { present } from '../present.ts';
import { decodeCitation, dialectId, openRedacted } from './decode-block.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { streamProblem } from './errors.ts';
import { decodeFinish } from './finish.ts';
import { decodeUsage, restOfUsage } from './usage.ts';

interface OpenBlock {
  readonly kind: 'text' | 'reasoning' | 'redacted' | 'answer' | 'call' | 'held-call' | 'item';
  /** `start` of a block that is passed on whole. */
  readonly start: JsonObject;
  held: string;
  results: JsonValue[];
  empty: boolean;
}

const metadataFields = new Set(['usage', 'p']);
const toolUseFields = new Set(['toolUseId', 'name', 'type']);

/** Reads a ConverseStream. Only tool blocks announce themselves; text and reasoning begin with their first delta. */
export class ConverseStreamDecoder implements StreamDecoder {
  readonly #calls: ReceivedCalls;
  readonly #open = new Map<number, OpenBlock>();
  #stop: JsonObject | undefined;
  #toolCalls = 0;
  #answers = 0;
  #ended = false;

  constructor(request?: Conversation) {
    this.#calls = new ReceivedCalls(request, forbiddenInNames, toolNameLimit);
  }

  event({ name, data, exception }: FramedEvent, emit: Emit): void {
    if (exception || name?.endsWith('Exception')) {
      const { message, status, type } = streamProblem(name, data);
      throw new GatewayError('UP_STREAM_ERROR', { message }, present({ status, type }));
    }
    try {
      this.#read(name, asObject(parse(data), 'the event'), emit);
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  /** Without its metadata a stream that stopped has been cut all the same: nobody knows what it cost. */
  end(): void {
    if (!this.#ended) throw new GatewayError('UP_STREAM_CUT', { provider: 'The provider' });
  }

  #read(name: string | undefined, event: JsonObject, emit: Emit): void {
    const index = Number(event.contentBlockIndex);
    switch (name) {
      case 'contentBlockDelta':
        this.#delta(index, asObject(event.delta, 'delta'), emit);
        break;
      case 'contentBlockStart':
        this.#start(index, asObject(event.start, 'start'), emit);
        break;
      case 'contentBlockStop':
        this.#close(index, emit);
        break;
      case 'messageStart':
        emit({ type: 'start' });
        break;
      case 'messageStop':
        this.#stop = event;
        break;
      case 'metadata':
        this.#finish(event, emit);
        break;
      default: {
        const { p: _, ...value } = event;
        emit({ type: 'native', dialect: dialectId, value, ...present({ name }) });
      }
    }
  }

  #start(index: number, start: JsonObject, emit: Emit): void {
    const call = start.toolUse;
    if (!isObject(call) || call.type === 'server_tool_use') {
      this.#opened(index, 'item', start);
      return;
    }
    const wireName = String(call.name);
    const kind = this.#calls.kindOf(wireName);
    this.#toolCalls += 1;
    if (kind === 'answer') {
      this.#answers += 1;
      this.#opened(index, 'answer');
      emit({ type: 'block-start', choice: 0, block: index, head: { type: 'text' } });
      return;
    }
    this.#opened(index, kind === 'custom' ? 'held-call' : 'call');
    const head: BlockHead = {
      type: 'tool-call',
      id: String(call.toolUseId),
      name: this.#calls.nameOf(wireName),
      ...(kind === 'custom' && { kind }),
    };
    const spelling = call.type === undefined ? undefined : { $type: call.type };
    emit({
      type: 'block-start',
      choice: 0,
      block: index,
      head,
      ...carrying(dialectId, unknownFields(call, toolUseFields), spelling),
    });
  }

  #delta(index: number, delta: JsonObject, emit: Emit): void {
    const at = { choice: 0, block: index } as const;
    if (typeof delta.text === 'string') {
      this.#ensure(index, 'text', { type: 'text' }, emit);
      if (delta.text !== '') emit({ type: 'text', ...at, text: delta.text });
    } else if (isObject(delta.reasoningContent)) this.#reasoning(index, delta.reasoningContent, emit);
    else if (isObject(delta.toolUse)) this.#arguments(index, String(delta.toolUse.input ?? ''), emit);
    else if (Array.isArray(delta.toolResult)) this.#open.get(index)?.results.push(...delta.toolResult);
    else if (isObject(delta.citation)) {
      this.#ensure(index, 'text', { type: 'text' }, emit);
      emit({ type: 'citation', ...at, citation: decodeCitation(delta.citation) });
    } else
      emit({
        type: 'native',
        dialect: dialectId,
        name: 'contentBlockDelta',
        value: { contentBlockIndex: index, delta },
      });
  }

  #reasoning(index: number, delta: JsonObject, emit: Emit): void {
    const at = { choice: 0, block: index } as const;
    if (typeof delta.redactedContent === 'string') {
      const encrypted = openRedacted(delta.redactedContent);
      this.#ensure(index, 'redacted', { type: 'reasoning', encrypted, maker: 'anthropic' }, emit);
      return;
    }
    this.#ensure(index, 'reasoning', { type: 'reasoning', maker: 'anthropic' }, emit);
    if (typeof delta.text === 'string' && delta.text !== '') emit({ type: 'reasoning', ...at, text: delta.text });
    if (typeof delta.signature === 'string') emit({ type: 'signature', ...at, signature: delta.signature });
  }

  #arguments(index: number, text: string, emit: Emit): void {
    const open = this.#open.get(index);
    if (open === undefined || text === '') return;
    open.empty = false;
    if (open.kind === 'call') emit({ type: 'arguments', choice: 0, block: index, text });
    else if (open.kind === 'answer') emit({ type: 'text', choice: 0, block: index, text });
    else open.held += text;
  }

  #close(index: number, emit: Emit): void {
    const open = this.#open.get(index);
    if (open === undefined) return;
    this.#open.delete(index);
    const at = { choice: 0, block: index } as const;
    if (open.kind === 'item') {
      const value = wholeItem(open);
      emit({
        type: 'block-start',
        ...at,
        head: { type: 'provider-item', block: { type: 'provider-item', dialect: dialectId, value } },
      });
    } else if (open.kind === 'held-call') emit({ type: 'arguments', ...at, text: freeText(open.held) });
    else if (open.empty && open.kind === 'call') emit({ type: 'arguments', ...at, text: '{}' });
    else if (open.empty && open.kind === 'answer') emit({ type: 'text', ...at, text: '{}' });
    emit({ type: 'block-end', ...at });
  }

  #finish(metadata: JsonObject, emit: Emit): void {
    if (this.#ended || this.#stop === undefined) return;
    this.#ended = true;
    for (const index of [...this.#open.keys()]) this.#close(index, emit);
    const { stopReason, p: _, ...rest } = this.#stop;
    const answeredByTool = this.#answers > 0 && this.#answers === this.#toolCalls;
    const finish = decodeFinish(stopReason, answeredByTool) ?? { reason: 'stop' };
    emit({
      type: 'finish',
      choice: 0,
      finish,
      ...carrying(dialectId, Object.keys(rest).length === 0 ? undefined : rest),
    });
    if (isObject(metadata.usage)) {
      const fields = present({ ...unknownFields(metadata, metadataFields), usage: restOfUsage(metadata.usage) });
      emit({ type: 'usage', usage: decodeUsage(metadata.usage), ...carrying(dialectId, fields) });
    }
    emit({ type: 'end' });
  }

  #opened(index: number, kind: OpenBlock['kind'], start: JsonObject = {}): void {
    this.#open.set(index, { kind, start, held: '', results: [], empty: true });
  }

  #ensure(index: number, kind: OpenBlock['kind'], head: BlockHead, emit: Emit): void {
    if (this.#open.has(index)) return;
    this.#opened(index, kind);
    emit({ type: 'block-start', choice: 0, block: index, head });
  }
}

function wholeItem({ start, held, results }: OpenBlock): JsonObject {
  if (isObject(start.toolUse)) return { toolUse: { ...start.toolUse, input: parse(held || '{}') } };
  if (isObject(start.toolResult)) return { toolResult: { ...start.toolResult, content: results } };
  return start;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason: 'a stream event is not JSON' });
  }
}
