import type { Block, BlockHead, Conversation, Finish } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { Emit, FramedEvent, StreamDecoder } from '../dialect.ts';
import { present } from '../present.ts';
import { type RestoreCall, restoreCalls } from '../restore-call.ts';
import { answerCallIds, type CallIds } from './call-ids.ts';
import { headOf } from './decode-answer.ts';
import { decodePart } from './decode-part.ts';
import { googleToolNames } from './encode-request.ts';
import { problemOf, statusOf } from './errors.ts';
import { blockedPromptText, decodeFinish } from './finish.ts';
import { decodeGrounding } from './grounding.ts';
import { dialectId, keep, maker } from './notes.ts';
import { beginsPartial, PartialCall } from './partial-call.ts';
import { decodeUsage } from './usage.ts';

interface ChoiceState {
  readonly index: number;
  blocks: number;
  open: { readonly type: 'text' | 'reasoning'; readonly block: number } | undefined;
  text: string;
  called: boolean;
  /** A function call of which more pieces will come. */
  partial: PartialCall | undefined;
  finishWord: string | undefined;
}

/**
 * Reads chunks that are GenerateContentResponses. Text goes on in the open block; function calls and media are whole.
 * After each chunk comes a native event `chunk` with all of it but the parts, so that encoding to this dialect gives the
 * same chunks.
 */
export class GeminiStreamDecoder implements StreamDecoder {
  readonly #restore: RestoreCall;
  readonly #choices = new Map<number, ChoiceState>();
  #ids: CallIds | undefined;
  #usage: JsonObject | undefined;
  #blocked = false;

  constructor(request?: Conversation) {
    this.#restore = restoreCalls(request, googleToolNames(request));
  }

  event(event: FramedEvent, emit: Emit): void {
    const chunk = parse(event.data);
    if (chunk['error'] !== undefined) throw streamError(chunk);
    if (this.#ids === undefined) {
      this.#ids = answerCallIds(chunk);
      emit({ type: 'start', ...headOf(chunk), ...keep({}, {}, true) });
    }
    if (isObject(chunk['usageMetadata'])) this.#usage = chunk['usageMetadata'];
    const candidates = Array.isArray(chunk['candidates']) ? chunk['candidates'].filter(isObject) : [];
    const rests = candidates.map((candidate, position) => this.#candidate(candidate, position, emit));
    if (candidates.length === 0) this.#feedback(chunk['promptFeedback'], emit);
    const value = chunk['candidates'] === undefined ? chunk : { ...chunk, candidates: rests };
    emit({ type: 'native', dialect: dialectId, name: 'chunk', value });
  }

  end(emit: Emit): void {
    const choices = [...this.#choices.values()];
    if (choices.length === 0 || choices.some((choice) => choice.finishWord === undefined)) {
      throw new GatewayError('UP_STREAM_CUT', { provider: 'google' });
    }
    for (const choice of choices) {
      close(choice, emit);
      this.#endCall(choice, emit);
      emit({ type: 'finish', choice: choice.index, finish: this.#finish(choice) });
    }
    if (this.#usage !== undefined) emit({ type: 'usage', usage: decodeUsage(this.#usage) });
    emit({ type: 'end' });
  }

  #finish(choice: ChoiceState): Finish {
    const word = choice.finishWord!;
    return this.#blocked ? { reason: 'content-filter', native: word } : decodeFinish(word, choice.called);
  }

  /** The candidate as the native event keeps it: of its parts only the pieces of calls. */
  #candidate(candidate: JsonObject, position: number, emit: Emit): JsonObject {
    const { index, content, finishReason, groundingMetadata } = candidate;
    const choice = this.#choice(typeof index === 'number' ? index : position);
    const parts = isObject(content) && Array.isArray(content['parts']) ? content['parts'] : undefined;
    const pieces: JsonValue[] = [];
    // What signs a text ends its block, so it waits for the citations that the same chunk gives the text.
    let signed: JsonObject | undefined;
    for (const part of parts ?? []) {
      if (!isObject(part)) continue;
      signed = sign(signed, choice, emit);
      if (this.#piece(part, choice, emit)) pieces.push(part);
      else if (this.#part(part, choice, emit)) signed = part;
    }
    if (isObject(groundingMetadata)) cite(groundingMetadata, choice, emit);
    sign(signed, choice, emit);
    if (typeof finishReason === 'string') {
      choice.finishWord = finishReason;
      // Before the chunk's native event, so that text which a plugin holds back until here is still part of this chunk.
      close(choice, emit);
    }
    return parts === undefined ? candidate : { ...candidate, content: { ...(content as JsonObject), parts: pieces } };
  }

  #choice(index: number): ChoiceState {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = {
        index,
        blocks: 0,
        open: undefined,
        text: '',
        called: false,
        partial: undefined,
        finishWord: undefined,
      };
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** True for a text whose signature is still to be said. */
  #part(part: JsonObject, choice: ChoiceState, emit: Emit): boolean {
    if (!isPlainText(part)) {
      for (const block of decodePart(part, this.#ids!)) emitWhole(this.#restore(block), part, choice, emit);
      return false;
    }
    const type = part['thought'] === true ? 'reasoning' : 'text';
    const text = part['text'] as string;
    const at = { choice: choice.index, block: openBlock(type, choice, emit) };
    emit({ type, ...at, text });
    if (type === 'text') choice.text += text;
    const signature = part['thoughtSignature'];
    if (typeof signature !== 'string') return false;
    if (type === 'reasoning') emit({ type: 'signature', ...at, signature });
    return type === 'text';
  }

  /** True for a piece of a function call that is streamed. */
  #piece(part: JsonObject, choice: ChoiceState, emit: Emit): boolean {
    const call = part['functionCall'];
    if (!isObject(call)) return false;
    if (typeof call['name'] === 'string') this.#endCall(choice, emit);
    if (choice.partial === undefined) {
      if (!beginsPartial(call)) return false;
      const { partialArgs: _, willContinue: __, ...announced } = call;
      const [block] = decodePart({ ...part, functionCall: announced }, this.#ids!);
      if (block?.type !== 'tool-call') return false;
      close(choice, emit);
      choice.partial = new PartialCall(choice.blocks++, block);
      const head = headOfBlock(this.#restore(block))!;
      emit({
        type: 'block-start',
        choice: choice.index,
        block: choice.partial.block,
        head,
        ...keep({}, { pieces: true }),
      });
    }
    choice.partial.add(call);
    if (typeof part['thoughtSignature'] === 'string') choice.partial.signature = part['thoughtSignature'];
    if (call['willContinue'] !== true) this.#endCall(choice, emit);
    return true;
  }

  #endCall(choice: ChoiceState, emit: Emit): void {
    const { partial } = choice;
    if (partial === undefined) return;
    choice.partial = undefined;
    emitRest(
      { ...this.#restore(partial.whole()), ...present({ signature: partial.signature }) } as Block,
      partial.block,
      choice,
      emit,
    );
  }

  #feedback(feedback: JsonValue | undefined, emit: Emit): void {
    const reason = isObject(feedback) ? feedback['blockReason'] : undefined;
    if (typeof reason !== 'string') return;
    this.#blocked = true;
    const choice = this.#choice(0);
    choice.finishWord = reason;
    const at = { choice: 0, block: choice.blocks++ };
    emit({ type: 'block-start', ...at, head: { type: 'refusal' }, ...keep({}, { synthetic: true }) });
    emit({ type: 'text', ...at, text: blockedPromptText(reason, (feedback as JsonObject)['blockReasonMessage']) });
    emit({ type: 'block-end', ...at });
  }
}

function parse(data: string): JsonObject {
  try {
    const value = JSON.parse(data) as JsonValue;
    // Without `alt=sse` the error of a stream is wrapped in a list.
    const chunk = Array.isArray(value) ? value[0] : value;
    if (isObject(chunk)) return chunk;
  } catch (cause) {
    throw new GatewayError('UP_BAD_BODY', { provider: 'google', reason: 'a stream event is not JSON' }, { cause });
  }
  throw new GatewayError('UP_BAD_BODY', { provider: 'google', reason: 'a stream event is not an object' });
}

function streamError(chunk: JsonObject): GatewayError {
  const problem = problemOf(chunk, statusOf(chunk));
  const { type, code, retryAfterMs } = problem;
  const extras = present({ status: problem.status, type, openaiCode: code ?? type?.toLowerCase(), retryAfterMs });
  return new GatewayError('UP_STREAM_ERROR', { message: problem.message }, extras);
}

/** Text or thought and nothing that needs a block of its own. */
function isPlainText(part: JsonObject): boolean {
  for (const key in part) if (key !== 'text' && key !== 'thought' && key !== 'thoughtSignature') return false;
  return typeof part['text'] === 'string' && part['thought'] !== false;
}

function openBlock(type: 'text' | 'reasoning', choice: ChoiceState, emit: Emit): number {
  if (choice.open?.type === type) return choice.open.block;
  close(choice, emit);
  const block = choice.blocks++;
  choice.open = { type, block };
  if (type === 'text') choice.text = '';
  emit({ type: 'block-start', choice: choice.index, block, head: type === 'text' ? { type } : { type, maker } });
  return block;
}

function close(choice: ChoiceState, emit: Emit): void {
  if (choice.open !== undefined) emit({ type: 'block-end', choice: choice.index, block: choice.open.block });
  choice.open = undefined;
}

/** A block that arrived whole, as its start, its one delta and its end. */
function emitWhole(block: Block, part: JsonObject, choice: ChoiceState, emit: Emit): void {
  const head = headOfBlock(block) ?? {
    type: 'provider-item',
    block: { type: 'provider-item', dialect: dialectId, value: part },
  };
  close(choice, emit);
  const at = { choice: choice.index, block: choice.blocks++ };
  emit({ type: 'block-start', ...at, head, ...present({ carry: block.carry }) });
  emitRest(block, at.block, choice, emit);
}

/** What follows the start of a block. */
function emitRest(block: Block, number: number, choice: ChoiceState, emit: Emit): void {
  const at = { choice: choice.index, block: number };
  if (block.type === 'text') emit({ type: 'text', ...at, text: block.text });
  if (block.type === 'reasoning' && block.text !== undefined) emit({ type: 'reasoning', ...at, text: block.text });
  if (block.type === 'tool-call') {
    choice.called = true;
    emit({ type: 'arguments', ...at, text: block.arguments });
  }
  if ((block.type === 'reasoning' || block.type === 'tool-call') && block.signature !== undefined) {
    emit({ type: 'signature', ...at, signature: block.signature });
  }
  emit({ type: 'block-end', ...at });
}

/** Undefined for blocks that a stream has no head for. */
function headOfBlock(block: Block): BlockHead | undefined {
  switch (block.type) {
    case 'text':
      return { type: 'text' };
    case 'reasoning':
      return { type: 'reasoning', maker };
    case 'tool-call':
      return { type: 'tool-call', id: block.id, name: block.name, maker, ...present({ kind: block.kind }) };
    case 'image':
    case 'audio':
      return { type: 'media', block };
    case 'provider-item':
      return { type: 'provider-item', block };
    default:
      return undefined;
  }
}

/** The signature of a text, as the reasoning block that stands behind it. */
function sign(part: JsonObject | undefined, choice: ChoiceState, emit: Emit): undefined {
  if (part === undefined) return;
  emitWhole({ type: 'reasoning', signature: String(part['thoughtSignature']), maker }, part, choice, emit);
}

function cite(metadata: JsonObject, choice: ChoiceState, emit: Emit): void {
  const { open } = choice;
  if (open?.type !== 'text') return;
  for (const { citation } of decodeGrounding(metadata, () => choice.text)) {
    emit({ type: 'citation', choice: choice.index, block: open.block, citation });
  }
}
