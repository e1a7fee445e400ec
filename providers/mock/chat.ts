import type { Answer, AnswerEvent, Block, BlockHead, Conversation, Usage } from '../../plugin-sdk/index.ts';
import { type Composed, compose } from './compose.ts';
import { countInput, countTokens } from './count-tokens.ts';
import type { Step } from './timed-flow.ts';

export interface Pace {
  /** Before the first event. */
  readonly latencyMs: number;
  /** Before each further piece. */
  readonly chunkDelayMs: number;
  /** Pieces of a streamed text; a word each when undefined. */
  readonly chunks?: number | undefined;
}

/** One whole answer, with as many choices as the client asked for. */
export function answerChat(conversation: Conversation, model: string): Answer {
  const composed = compose(conversation, model);
  const count = Math.max(1, conversation.choices ?? 1);
  return {
    model,
    choices: Array.from({ length: count }, (_, index) => ({ index, ...composed })),
    usage: usageOf(conversation, composed, count),
  };
}

/** The same answer as timed events. */
export function streamChat(
  conversation: Conversation,
  model: string,
  pace: Pace,
): { steps: Step<AnswerEvent>[]; usage: Usage } {
  const { choices, usage } = answerChat(conversation, model);
  const steps: Step<AnswerEvent>[] = [{ item: { type: 'start', model }, afterMs: pace.latencyMs }];
  const add = (item: AnswerEvent, afterMs = 0): void => void steps.push({ item, afterMs });
  for (const { index: choice, blocks, finish } of choices) {
    for (const [block, value] of blocks.entries()) {
      add({ type: 'block-start', choice, block, head: headOf(value) });
      const { kind, text } = contentOf(value);
      for (const piece of cut(text, pace.chunks)) add({ type: kind, choice, block, text: piece }, pace.chunkDelayMs);
      add({ type: 'block-end', choice, block });
    }
    if (finish !== undefined) add({ type: 'finish', choice, finish });
  }
  add({ type: 'usage', usage: usage! });
  add({ type: 'end' });
  return { steps, usage: usage! };
}

/** Pieces of a text: so many of about equal length, or one a word. Joined they are the text again. */
export function cut(text: string, pieces: number | undefined): string[] {
  if (pieces === undefined) return text.match(/\S+\s*|\s+/g) ?? [];
  const size = text.length / pieces;
  return Array.from({ length: pieces }, (_, i) => text.slice(Math.round(i * size), Math.round((i + 1) * size))).filter(
    (piece) => piece !== '',
  );
}

function headOf(block: Block): BlockHead {
  if (block.type === 'reasoning') return { type: 'reasoning' };
  if (block.type !== 'tool-call') return { type: 'text' };
  const { id, name, kind } = block;
  return kind === undefined ? { type: 'tool-call', id, name } : { type: 'tool-call', id, name, kind };
}

function contentOf(block: Block): { kind: 'text' | 'reasoning' | 'arguments'; text: string } {
  if (block.type === 'tool-call') return { kind: 'arguments', text: block.arguments };
  if (block.type === 'reasoning') return { kind: 'reasoning', text: block.text ?? '' };
  return { kind: 'text', text: block.type === 'text' ? block.text : '' };
}

function usageOf(conversation: Conversation, { blocks }: Composed, count: number): Usage {
  const tokens = blocks.map((block) => ({ type: block.type, tokens: countTokens(contentOf(block).text) }));
  const sum = (list: typeof tokens): number => list.reduce((total, one) => total + one.tokens, 0) * count;
  const reasoning = sum(tokens.filter(({ type }) => type === 'reasoning'));
  return { input: countInput(conversation), output: sum(tokens), ...(reasoning === 0 ? {} : { reasoning }) };
}
