import type { AnswerEvent, BlockHead, Finish } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { signatureOf } from '../anthropic-messages/encode-answer.ts';
import { carriedFields, spellingOf } from '../anthropic-messages/fields.ts';
import type { StreamEncoder } from '../dialect.ts';
import { present } from '../present.ts';
import { writeAwsEvent } from '../write-aws-event.ts';
import { dialectId, sealRedacted } from './decode-block.ts';
import { encodeCitation } from './encode-block.ts';
import { encodeFinish } from './finish.ts';
import { encodeUsage } from './usage.ts';

type Started = Extract<AnswerEvent, { type: 'block-start' }>;

interface OpenBlock {
  readonly start: Started;
  readonly index: number;
  written: boolean;
  /** Collected until the block ends: a signature, or the text of a free-text call. */
  held: string;
  /** Who made the signature, where only the signature said so. */
  maker?: string | undefined;
}

/** Writes a ConverseStream as AWS frames. Blocks may interleave here, since every frame names its block. */
export class ConverseStreamEncoder implements StreamEncoder {
  readonly #open = new Map<number, OpenBlock>();
  #next = 0;
  #started = false;
  #finish: Finish = { reason: 'stop' };
  #finishFields: JsonObject = {};
  #metadata: JsonObject = { usage: encodeUsage({ input: 0, output: 0 }, undefined), metrics: { latencyMs: 0 } };

  event(event: AnswerEvent): Uint8Array | string {
    const frames = this.#encode(event);
    return frames.length === 0 ? '' : frames.length === 1 ? frames[0]! : Buffer.concat(frames);
  }

  #encode(event: AnswerEvent): Buffer[] {
    if ('choice' in event && event.choice !== 0) return [];
    switch (event.type) {
      case 'start':
        return this.#begin();
      case 'block-start':
        return [...this.#begin(), ...this.#start(event)];
      case 'block-end':
        return this.#close(event.block);
      case 'finish':
        this.#finish = event.finish;
        this.#finishFields = carriedFields(event, dialectId);
        return [];
      case 'usage': {
        const { usage: read, ...rest } = carriedFields(event, dialectId);
        this.#metadata = {
          usage: encodeUsage(event.usage, isObject(read) ? read : undefined),
          metrics: { latencyMs: 0 },
          ...rest,
        };
        return [];
      }
      case 'end':
        return [
          ...this.#begin(),
          ...[...this.#open.keys()].flatMap((block) => this.#close(block)),
          frame('messageStop', { stopReason: encodeFinish(this.#finish), ...this.#finishFields }),
          frame('metadata', this.#metadata),
        ];
      case 'native':
        return event.dialect === dialectId && event.name !== undefined && isObject(event.value)
          ? [frame(event.name, event.value)]
          : [];
      default:
        return this.#delta(event);
    }
  }

  #begin(): Buffer[] {
    if (this.#started) return [];
    this.#started = true;
    return [frame('messageStart', { role: 'assistant' })];
  }

  #start(start: Started): Buffer[] {
    const { head } = start;
    if (head.type === 'media' || (head.type === 'provider-item' && head.block.dialect !== dialectId)) return [];
    const open: OpenBlock = { start, index: this.#next++, written: false, held: '' };
    this.#open.set(start.block, open);
    if (head.type === 'tool-call') {
      const type = spellingOf(start, dialectId, '$type');
      const toolUse = { toolUseId: head.id, name: head.name, ...present({ type }), ...carriedFields(start, dialectId) };
      return [frame('contentBlockStart', { contentBlockIndex: open.index, start: { toolUse } })];
    }
    if (head.type === 'provider-item') return wholeItem(head.block.value, open.index);
    if (head.type === 'reasoning' && head.encrypted !== undefined && head.maker === 'anthropic') {
      return [deltaFrame(open, { reasoningContent: { redactedContent: sealRedacted(head.encrypted) } })];
    }
    return [];
  }

  #delta(event: Extract<AnswerEvent, { block: number }>): Buffer[] {
    const open = this.#open.get(event.block);
    if (open === undefined) return [];
    switch (event.type) {
      case 'text':
        return [deltaFrame(open, { text: event.text })];
      case 'audio':
        return event.transcript ? [deltaFrame(open, { text: event.transcript })] : [];
      case 'reasoning':
        return [deltaFrame(open, { reasoningContent: { text: event.text } })];
      case 'citation':
        return [deltaFrame(open, { citation: encodeCitation(event.citation) })];
      case 'signature':
        if (open.start.head.type !== 'reasoning') return [];
        open.held += event.signature;
        open.maker = event.maker;
        return [];
      case 'arguments':
        if (open.start.head.type === 'tool-call' && open.start.head.kind === 'custom') {
          open.held += event.text;
          return [];
        }
        return [deltaFrame(open, { toolUse: { input: event.text } })];
      default:
        return [];
    }
  }

  #close(block: number): Buffer[] {
    const open = this.#open.get(block);
    if (open === undefined) return [];
    this.#open.delete(block);
    return [...this.#closing(open, open.start.head), frame('contentBlockStop', { contentBlockIndex: open.index })];
  }

  /** What a block still owes when it ends. */
  #closing(open: OpenBlock, head: BlockHead): Buffer[] {
    if (head.type === 'tool-call')
      return head.kind === 'custom'
        ? [deltaFrame(open, { toolUse: { input: JSON.stringify({ input: open.held }) } })]
        : [];
    if (head.type === 'reasoning' && !(head.encrypted !== undefined && head.maker === 'anthropic')) {
      const { encrypted, id } = head;
      const signature = signatureOf({
        type: 'reasoning',
        ...present({ maker: open.maker ?? head.maker, encrypted, id, signature: open.held || undefined }),
      });
      return signature === '' ? [] : [deltaFrame(open, { reasoningContent: { signature } })];
    }
    // A block exists only by its deltas.
    return head.type === 'text' && !open.written ? [deltaFrame(open, { text: '' })] : [];
  }
}

function deltaFrame(open: OpenBlock, delta: JsonObject): Buffer {
  open.written = true;
  return frame('contentBlockDelta', { contentBlockIndex: open.index, delta });
}

/** A provider item again as the start and delta that it was read from. */
function wholeItem(value: JsonObject, contentBlockIndex: number): Buffer[] {
  const [kind, item] = Object.entries(value)[0] ?? [];
  if (kind === undefined || !isObject(item)) return [];
  if (kind === 'toolUse') {
    const { input, ...start } = item;
    return [
      frame('contentBlockStart', { contentBlockIndex, start: { toolUse: start } }),
      frame('contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input: JSON.stringify(input) } } }),
    ];
  }
  if (kind === 'toolResult') {
    const { content, ...start } = item;
    return [
      frame('contentBlockStart', { contentBlockIndex, start: { toolResult: start } }),
      frame('contentBlockDelta', { contentBlockIndex, delta: { toolResult: content } }),
    ];
  }
  return [frame('contentBlockStart', { contentBlockIndex, start: value })];
}

function frame(name: string, payload: JsonObject): Buffer {
  return writeAwsEvent(name, JSON.stringify(payload));
}
