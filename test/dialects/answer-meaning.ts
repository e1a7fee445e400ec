import type { Answer, AnswerEvent, Block, Citation, Finish, Usage } from '../../plugin-sdk/conversation/index.ts';
import { openProof, type Proof } from '../../plugin-sdk/dialects/sealed-proof.ts';
import type { Meaning } from './request-meaning.ts';

type Growing = { -readonly [K in keyof Block]: Block[K] } & Record<string, unknown>;

/** The whole answer that a stream adds up to. */
export function accumulated(events: readonly AnswerEvent[]): Answer {
  const choices = new Map<number, { index: number; blocks: Growing[]; finish?: Finish }>();
  const blocks = new Map<string, Growing>();
  let usage: Usage | undefined;
  const choiceOf = (index: number) => choices.get(index) ?? choices.set(index, { index, blocks: [] }).get(index)!;
  for (const event of events) {
    if (event.type === 'finish') choiceOf(event.choice).finish = event.finish;
    if (event.type === 'usage') usage = event.usage;
    if (event.type === 'block-start') {
      const { head } = event;
      const { summary: _, ...rest } = head.type === 'reasoning' ? head : { ...head, summary: undefined };
      const block = ('block' in head ? { ...head.block } : { ...rest, carry: event.carry }) as unknown as Growing;
      blocks.set(`${event.choice} ${event.block}`, block);
      choiceOf(event.choice).blocks.push(block);
    } else if ('block' in event) grow(blocks.get(`${event.choice} ${event.block}`)!, event);
  }
  for (const block of blocks.values()) if (block.type === 'text' || block.type === 'refusal') block['text'] ??= '';
  return { choices: [...choices.values()] as unknown as Answer['choices'], ...(usage === undefined ? {} : { usage }) };
}

function grow(block: Growing, event: Extract<AnswerEvent, { block: number }>): void {
  const append = (key: string, text: string): void => void (block[key] = String(block[key] ?? '') + text);
  if (event.type === 'text' || event.type === 'reasoning') append('text', event.text);
  else if (event.type === 'arguments') append('arguments', event.text);
  else if (event.type === 'citation')
    block['citations'] = [...((block['citations'] ?? []) as Citation[]), event.citation];
  else if (event.type === 'signature') {
    append('signature', event.signature);
    if (event.maker !== undefined) block['maker'] = event.maker;
  }
}

/** What an answer says: the same for two answers that give a client the same. */
export function answerMeaning({ choices, usage }: Answer): Meaning {
  const meaning: Record<string, unknown> = {};
  for (const { index, blocks, finish } of choices) {
    const texts = (type: 'text' | 'refusal') => blocks.map((block) => (block.type === type ? block.text : '')).join('');
    const calls = blocks.filter((block) => block.type === 'tool-call');
    Object.assign(meaning, {
      [`${index} text`]: texts('text'),
      [`${index} refusal`]: texts('refusal'),
      [`${index} reasoning`]: blocks.map((block) => (block.type === 'reasoning' ? wordsOf(block) : '')).join(''),
      [`${index} proofs`]: blocks.flatMap(proofOf),
      [`${index} calls`]: calls.map(({ id, name, kind, ...call }) => [
        id,
        name,
        kind === 'custom' ? call.arguments : JSON.parse(call.arguments || '{}'),
      ]),
      [`${index} call proofs`]: [...calls.flatMap(({ signature }) => signature ?? []), ...blocks.flatMap(callProofOf)],
      [`${index} citations`]: blocks.flatMap((block) =>
        block.type === 'text' ? (block.citations ?? []).flatMap(({ url }) => url || []) : [],
      ),
      [`${index} images`]: blocks.flatMap((block) =>
        block.type === 'image' && block.source.kind === 'base64' ? [block.source.data] : [],
      ),
      [`${index} items`]: blocks.filter((block) => block.type === 'provider-item').length,
      [`${index} finish`]: finish?.reason,
    });
  }
  for (const key of ['input', 'output', 'cachedInput', 'reasoning'] as const)
    meaning[`usage ${key}`] = usage?.[key] || undefined;
  // Some proxies count the same tokens as read and as written.
  const uncached = (usage?.input ?? 0) - (usage?.cachedInput ?? 0);
  meaning['usage cacheWriteInput'] = Math.min(usage?.cacheWriteInput ?? 0, uncached) || undefined;
  return meaning;
}

function wordsOf(block: Extract<Block, { type: 'reasoning' }>): string {
  return (block.text ?? block.summary?.join('') ?? '').replace(/\s+/g, '');
}

function sealedIn(block: Block): Proof | undefined {
  const held = block.type === 'reasoning' ? block.signature || block.encrypted : undefined;
  return held === undefined ? undefined : openProof(held);
}

/** A proof with its maker; one that travelled sealed inside another maker's is opened. */
function proofOf(block: Block): unknown[] {
  if (block.type !== 'reasoning') return [];
  const held = block.signature || block.encrypted;
  const sealed = sealedIn(block);
  if (sealed === undefined) return held ? [[held, block.maker]] : [];
  const inside = sealed.call === undefined ? (sealed.signature ?? sealed.encrypted) : undefined;
  return inside === undefined ? [] : [[inside, sealed.maker]];
}

function callProofOf(block: Block): string[] {
  const sealed = sealedIn(block);
  return sealed?.call === undefined || sealed.signature === undefined ? [] : [sealed.signature];
}
