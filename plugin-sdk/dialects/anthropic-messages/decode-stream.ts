import type { BlockHead, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { present } from '../present.ts';
import { asUnreadable, refusalOf } from './decode-answer.ts';
import { decodeCitation } from './decode-block.ts';
import { dialectId } from './dialect-id.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { problemOf } from './errors.ts';
import { asObject, carrying, unknownFields } from './fields.ts';
import { decodeFinish } from './finish.ts';
import { ReceivedCalls } from './received-calls.ts';
import { decodeUsage } from './usage.ts';

/** The open content block. `held` collects the input of blocks that are passed on whole. */
interface OpenBlock {
  readonly index: number;
  readonly kind: 'text' | 'reasoning' | 'answer' | 'held-answer' | 'call' | 'held-call' | 'item';
  readonly value: JsonObject;
  held: string;
  empty: boolean;
}

const messageFields = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']);

/** Reads a Messages API event stream. */
export class MessagesStreamDecoder implements StreamDecoder {
  readonly #calls: ReceivedCalls;
  #open: OpenBlock | undefined;
  #usage: JsonObject = {};
  #delta: JsonObject = {};
  #deltaUsage: JsonObject | undefined;
  #blocks = 0;
  #toolCalls = 0;
  #answers = 0;
  #ended = false;

  constructor(request?: Conversation) {
    this.#calls = new ReceivedCalls(request, forbiddenInNames, toolNameLimit);
  }

  event({ name, data }: FramedEvent, emit: Emit): void {
    if (name === 'ping' || data === '') return;
    try {
      this.#read(asObject(parse(data), 'the event'), name, emit);
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  end(): void {
    if (!this.#ended) throw new GatewayError('UP_STREAM_CUT', { provider: 'The provider' });
  }

  #read(event: JsonObject, name: string | undefined, emit: Emit): void {
    switch (event.type) {
      case 'content_block_delta':
        this.#readDelta(event, asObject(event.delta, 'delta'), name, emit);
        break;
      case 'content_block_start':
        this.#openBlock(Number(event.index), asObject(event.content_block, 'content_block'), emit);
        break;
      case 'content_block_stop':
        this.#closeBlock(emit);
        break;
      case 'message_start':
        this.#start(asObject(event.message, 'message'), emit);
        break;
      case 'message_delta':
        this.#delta = { ...this.#delta, ...asObject(event.delta, 'delta') };
        if (isObject(event.usage)) this.#addUsage(event.usage);
        break;
      case 'message_stop':
        this.#stop(emit);
        break;
      case 'ping':
        break;
      case 'error': {
        const { message, status, type, code } = problemOf(event);
        throw new GatewayError('UP_STREAM_ERROR', { message }, present({ status, type, openaiCode: code }));
      }
      default:
        emit({ type: 'native', dialect: dialectId, value: event, ...present({ name }) });
    }
  }

  #start(message: JsonObject, emit: Emit): void {
    const usage = isObject(message.usage) ? message.usage : undefined;
    if (usage !== undefined) this.#usage = usage;
    const { stop_reason: _, stop_sequence: __, ...rest } = unknownFields(message, messageFields) ?? {};
    emit({
      type: 'start',
      ...present({ id: textOf(message.id), model: textOf(message.model) }),
      carry: { [dialectId]: present({ ...rest, usage }) },
    });
  }

  #openBlock(index: number, value: JsonObject, emit: Emit): void {
    this.#blocks = index + 1;
    const opened = this.#kindOf(value);
    this.#open = { index, kind: opened.kind, value, held: '', empty: true };
    if (opened.head === undefined) return;
    const known = opened.kind === 'answer' || opened.kind === 'held-answer' ? answerFields : headFields;
    const at = { choice: 0, block: index } as const;
    emit({ type: 'block-start', ...at, head: opened.head, ...carrying(dialectId, unknownFields(value, known)) });
    if (value.type === 'text' && value.text) emit({ type: 'text', ...at, text: String(value.text) });
  }

  /** How a block is read, and its head unless it is passed on whole at its end. */
  #kindOf(value: JsonObject): { readonly kind: OpenBlock['kind']; readonly head?: BlockHead } {
    switch (value.type) {
      case 'text':
        return { kind: 'text', head: { type: 'text' } };
      case 'thinking':
      case 'redacted_thinking': {
        const encrypted = textOf(value.data);
        return { kind: 'reasoning', head: { type: 'reasoning', maker: 'anthropic', ...present({ encrypted }) } };
      }
      case 'tool_use': {
        this.#toolCalls += 1;
        const wireName = String(value.name);
        const kind = this.#calls.kindOf(wireName);
        const held = this.#calls.isHeld(wireName);
        if (kind === 'answer') {
          this.#answers += 1;
          return { kind: held ? 'held-answer' : kind, head: { type: 'text' } };
        }
        const call = { type: 'tool-call', id: String(value.id), name: this.#calls.nameOf(wireName) } as const;
        return { kind: held ? 'held-call' : 'call', head: kind === 'custom' ? { ...call, kind } : call };
      }
      default:
        return { kind: 'item' };
    }
  }

  #readDelta(event: JsonObject, delta: JsonObject, name: string | undefined, emit: Emit): void {
    const open = this.#open;
    const block = Number(event.index);
    const at = { choice: 0, block } as const;
    switch (delta.type) {
      case 'text_delta':
        if (delta.text !== '') emit({ type: 'text', ...at, text: String(delta.text) });
        return;
      case 'thinking_delta':
        if (delta.thinking !== '') emit({ type: 'reasoning', ...at, text: String(delta.thinking) });
        return;
      case 'signature_delta':
        emit({ type: 'signature', ...at, signature: String(delta.signature) });
        return;
      case 'citations_delta':
        emit({ type: 'citation', ...at, citation: decodeCitation(asObject(delta.citation, 'citation')) });
        return;
      case 'input_json_delta': {
        const text = String(delta.partial_json);
        if (open === undefined || text === '') return;
        open.empty = false;
        if (open.kind === 'call') emit({ type: 'arguments', ...at, text });
        else if (open.kind === 'answer') emit({ type: 'text', ...at, text });
        else open.held += text;
        return;
      }
      default:
        emit({ type: 'native', dialect: dialectId, value: event, ...present({ name }) });
    }
  }

  #closeBlock(emit: Emit): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const at = { choice: 0, block: open.index } as const;
    if (open.kind === 'item') {
      const value = open.held === '' ? open.value : { ...open.value, input: parse(open.held) };
      emit({
        type: 'block-start',
        ...at,
        head: { type: 'provider-item', block: { type: 'provider-item', dialect: dialectId, value } },
      });
    } else if (open.kind === 'held-call' || open.kind === 'held-answer') {
      const name = String(open.value.name);
      const held = open.empty && this.#calls.kindOf(name) !== 'custom' ? inputAtStart(open) : open.held;
      emit({ type: open.kind === 'held-call' ? 'arguments' : 'text', ...at, text: this.#calls.inputOf(name, held) });
    } else if (open.empty && (open.kind === 'call' || open.kind === 'answer')) {
      emit({ type: open.kind === 'call' ? 'arguments' : 'text', ...at, text: inputAtStart(open) });
    }
    emit({ type: 'block-end', ...at });
  }

  #addUsage(usage: JsonObject): void {
    this.#deltaUsage = usage;
    const merged = { ...this.#usage };
    for (const key in usage) if (usage[key] !== null) merged[key] = usage[key];
    this.#usage = merged;
  }

  #stop(emit: Emit): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const refusal of refusalOf(this.#delta)) {
      const at = { choice: 0, block: this.#blocks } as const;
      emit({ type: 'block-start', ...at, head: { type: 'refusal' }, ...present({ carry: refusal.carry }) });
      emit({ type: 'text', ...at, text: refusal.type === 'refusal' ? refusal.text : '' });
      emit({ type: 'block-end', ...at });
    }
    const { stop_reason, stop_sequence, ...rest } = this.#delta;
    const answeredByTool = this.#answers > 0 && this.#answers === this.#toolCalls;
    const finish = decodeFinish(stop_reason, stop_sequence, answeredByTool) ?? { reason: 'stop' };
    emit({ type: 'finish', choice: 0, finish, ...carrying(dialectId, rest) });
    if (Object.keys(this.#usage).length > 0) {
      emit({
        type: 'usage',
        usage: decodeUsage(this.#usage),
        ...carrying(dialectId, undefined, present({ $delta: this.#deltaUsage, $usage: this.#usage })),
      });
    }
    emit({ type: 'end' });
  }
}

const headFields = new Set(['type', 'text', 'thinking', 'signature', 'data', 'id', 'name', 'input']);
const answerFields = new Set([...headFields, 'caller']);

/** A call without arguments sends no fragment, or only empty ones; its input then stands in the start, if anywhere. */
function inputAtStart({ value }: OpenBlock): string {
  return JSON.stringify(value.input ?? {});
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason: 'a stream event is not JSON' });
  }
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
