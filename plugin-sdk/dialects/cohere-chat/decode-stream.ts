import type { BlockHead, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { answerTool } from '../answer-tool.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { freeText } from '../free-text.ts';
import { type RestoreCall, restoreCalls } from '../restore-call.ts';
import { decodeCitation } from './decode-answer.ts';
import { streamError } from './errors.ts';
import { decodeFinish } from './finish.ts';
import { decodeLogprobs } from './logprobs.ts';
import { cohereToolNames, dialectId, keep, maker } from './notes.ts';
import { decodeUsage } from './usage.ts';

interface OpenBlock {
  readonly block: number;
  readonly type: 'text' | 'reasoning' | 'tool-call';
  /** A custom tool's arguments are JSON around its text, so they wait for the end. */
  readonly custom: boolean;
  arguments: string;
  /** Arguments so far, as long as they may yet be nothing or `null` as a whole: both stand for none. */
  held: string | undefined;
  hasArguments: boolean;
}

const unwritten = { custom: false, arguments: '', held: undefined, hasArguments: false };

/**
 * Reads the typed events of v2: `message-start`, `content-*`, `tool-plan-delta`, `tool-call-*`, `citation-*`,
 * `message-end`. Content, tool calls and citations are each counted from 0; blocks are counted together.
 * Events that it does not know become native ones.
 */
export class CohereStreamDecoder implements StreamDecoder {
  readonly #restore: RestoreCall;
  readonly #open = new Map<string, OpenBlock>();
  #blocks = 0;
  #textBlock: number | undefined;
  #called = false;
  #finishWord: string | undefined;
  #end: JsonObject = {};

  constructor(request?: Conversation) {
    this.#restore = restoreCalls(request, cohereToolNames(request));
  }

  event(framed: FramedEvent, emit: Emit): void {
    if (framed.data === '[DONE]') return;
    const event = parse(framed.data);
    const index = typeof event['index'] === 'number' ? event['index'] : 0;
    const delta = isObject(event['delta']) ? event['delta'] : {};
    const message = isObject(delta['message']) ? delta['message'] : {};
    switch (event['type']) {
      case 'message-start':
        this.#start(event, emit);
        return;
      case 'content-start':
        this.#contentStart(index, message, emit);
        return;
      case 'content-delta':
        this.#content(index, message, emit, event['logprobs'] ?? delta['logprobs']);
        return;
      case 'tool-plan-delta':
        this.#plan(message, emit);
        return;
      case 'tool-call-start':
        this.#callStart(index, message, emit);
        return;
      case 'tool-call-delta':
        this.#callDelta(index, message, emit);
        return;
      case 'content-end':
        this.#close(`content ${index}`, emit);
        return;
      case 'tool-call-end':
        this.#close(`call ${index}`, emit);
        return;
      case 'citation-start':
        this.#citation(message, emit);
        return;
      case 'citation-end':
        return;
      case 'message-end':
        this.#messageEnd(event, delta);
        return;
      default:
        emit({ type: 'native', dialect: dialectId, value: event, name: String(event['type']) });
    }
  }

  end(emit: Emit): void {
    if (this.#finishWord === undefined) throw new GatewayError('UP_STREAM_CUT', { provider: 'cohere' });
    for (const key of [...this.#open.keys()]) this.#close(key, emit);
    const { usage, ...rest } = this.#end;
    emit({ type: 'finish', choice: 0, finish: decodeFinish(this.#finishWord, this.#called), ...keep(rest) });
    if (isObject(usage)) emit({ type: 'usage', usage: decodeUsage(usage), ...keep({ usage }) });
    emit({ type: 'end' });
  }

  #start(event: JsonObject, emit: Emit): void {
    const { id, type: _, ...rest } = event;
    emit({ type: 'start', ...(typeof id === 'string' ? { id } : {}), ...keep(rest, {}, true) });
  }

  #contentStart(index: number, message: JsonObject, emit: Emit): void {
    const content = isObject(message['content']) ? message['content'] : {};
    const type = content['type'] === 'thinking' ? 'reasoning' : 'text';
    this.#openBlock(`content ${index}`, type, emit);
    const first = content[type === 'text' ? 'text' : 'thinking'];
    if (typeof first === 'string' && first !== '') this.#content(index, message, emit);
  }

  #content(index: number, message: JsonObject, emit: Emit, probabilities?: JsonValue): void {
    const content = isObject(message['content']) ? message['content'] : {};
    const { text, thinking } = content;
    const key = `content ${index}`;
    const open = this.#open.get(key) ?? this.#openBlock(key, typeof thinking === 'string' ? 'reasoning' : 'text', emit);
    const written = typeof thinking === 'string' ? thinking : text;
    if (typeof written !== 'string') return;
    const { block } = open;
    if (open.type === 'reasoning') {
      emit({ type: 'reasoning', choice: 0, block, text: written });
      return;
    }
    const logprobs = decodeLogprobs(probabilities);
    emit({ type: 'text', choice: 0, block, text: written, ...(logprobs === undefined ? {} : { logprobs }) });
  }

  #plan(message: JsonObject, emit: Emit): void {
    const text = message['tool_plan'];
    if (typeof text !== 'string') return;
    const open = this.#open.get('plan') ?? this.#openBlock('plan', 'text', emit);
    emit({ type: 'text', choice: 0, block: open.block, text });
  }

  #callStart(index: number, message: JsonObject, emit: Emit): void {
    this.#close('plan', emit);
    const call = isObject(message['tool_calls']) ? message['tool_calls'] : {};
    const called = isObject(call['function']) ? call['function'] : {};
    const id = String(call['id'] ?? '');
    const name = String(called['name'] ?? '');
    const key = `call ${index}`;
    const restored = this.#restore({ type: 'tool-call', id, name, arguments: '' });
    if (name === answerTool || restored.type !== 'tool-call') this.#openBlock(key, 'text', emit);
    else {
      this.#called = true;
      const custom = restored.kind === 'custom';
      const head: BlockHead = { type: 'tool-call', id, name: restored.name, ...(custom ? { kind: 'custom' } : {}) };
      const block = this.#blocks++;
      this.#open.set(key, { block, type: 'tool-call', ...unwritten, custom });
      emit({ type: 'block-start', choice: 0, block, head });
    }
    if (typeof called['arguments'] === 'string' && called['arguments'] !== '') this.#callDelta(index, message, emit);
  }

  #callDelta(index: number, message: JsonObject, emit: Emit): void {
    const open = this.#open.get(`call ${index}`);
    const call = isObject(message['tool_calls']) ? message['tool_calls'] : {};
    const called = isObject(call['function']) ? call['function'] : {};
    const written = called['arguments'];
    if (open === undefined || (typeof written !== 'string' && written !== null)) return;
    const text = written ?? '';
    if (open.custom) {
      open.arguments += text;
      return;
    }
    const whole = (open.held ?? '') + text;
    if (!open.hasArguments && 'null'.startsWith(whole)) open.held = whole;
    else if (whole !== '') this.#emitArguments(open, whole, emit);
  }

  #emitArguments(open: OpenBlock, text: string, emit: Emit): void {
    open.held = undefined;
    open.hasArguments = true;
    emit({ type: open.type === 'text' ? 'text' : 'arguments', choice: 0, block: open.block, text });
  }

  #citation(message: JsonObject, emit: Emit): void {
    const citation = message['citations'];
    if (!isObject(citation) || this.#textBlock === undefined) return;
    emit({ type: 'citation', choice: 0, block: this.#textBlock, citation: decodeCitation(citation) });
  }

  #messageEnd(event: JsonObject, delta: JsonObject): void {
    const failure = streamError(delta);
    if (failure !== undefined) throw failure;
    const { finish_reason: word, ...rest } = delta;
    this.#finishWord = typeof word === 'string' ? word : 'ERROR';
    this.#end = typeof event['id'] === 'string' ? { ...rest, id: event['id'] } : rest;
  }

  #openBlock(key: string, type: 'text' | 'reasoning', emit: Emit): OpenBlock {
    const open: OpenBlock = { block: this.#blocks++, type, ...unwritten };
    this.#open.set(key, open);
    if (type === 'text' && key !== 'plan') this.#textBlock = open.block;
    const head: BlockHead = type === 'text' ? { type } : { type, maker };
    emit({
      type: 'block-start',
      choice: 0,
      block: open.block,
      head,
      ...(key === 'plan' ? keep({}, { plan: true }) : {}),
    });
    return open;
  }

  #close(key: string, emit: Emit): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const { held } = open;
    if (held !== undefined) this.#emitArguments(open, held === '' || held === 'null' ? '{}' : held, emit);
    if (open.custom) emit({ type: 'arguments', choice: 0, block: open.block, text: freeText(open.arguments) });
    emit({ type: 'block-end', choice: 0, block: open.block });
  }
}

function parse(data: string): JsonObject {
  try {
    const value = JSON.parse(data) as JsonValue;
    if (isObject(value)) return value;
  } catch (cause) {
    throw new GatewayError('UP_BAD_BODY', { provider: 'cohere', reason: 'a stream event is not JSON' }, { cause });
  }
  throw new GatewayError('UP_BAD_BODY', { provider: 'cohere', reason: 'a stream event is not an object' });
}
