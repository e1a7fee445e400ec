import type { Answer, AnswerEvent, Block, BlockHead } from '../conversation/index.ts';
import { present } from './present.ts';

/** A whole answer told as a stream, a piece for each block. What a dialect carried for its whole form is left behind. */
export function eventsOfAnswer({ id, model, created, choices, usage }: Answer): AnswerEvent[] {
  const events: AnswerEvent[] = [present({ type: 'start' as const, id, model, created })];
  for (const { index: choice, blocks, finish, logprobs } of choices) {
    let unsaid = logprobs;
    for (const [block, value] of blocks.entries()) {
      const head = headOf(value);
      if (head === undefined) continue;
      events.push({ type: 'block-start', choice, block, head });
      for (const delta of deltasOf(value, choice, block)) {
        events.push(delta.type === 'text' && unsaid !== undefined ? { ...delta, logprobs: unsaid } : delta);
        if (delta.type === 'text') unsaid = undefined;
      }
      events.push({ type: 'block-end', choice, block });
    }
    if (finish !== undefined) events.push({ type: 'finish', choice, finish });
  }
  if (usage !== undefined) events.push({ type: 'usage', usage });
  events.push({ type: 'end' });
  return events;
}

function headOf(block: Block): BlockHead | undefined {
  switch (block.type) {
    case 'text':
    case 'refusal':
      return { type: block.type };
    case 'reasoning': {
      const { id, maker, encrypted, summary } = block;
      return present({
        type: 'reasoning' as const,
        id,
        maker,
        encrypted,
        summary: summary === undefined ? undefined : true,
      });
    }
    case 'tool-call': {
      const { id, name, kind, maker, itemId } = block;
      return present({ type: 'tool-call' as const, id, name, kind, maker, itemId });
    }
    case 'audio':
      return present({ type: 'audio' as const, id: block.id });
    case 'image':
      return { type: 'media', block };
    case 'provider-item':
      return { type: 'provider-item', block };
    default:
      return undefined;
  }
}

function* deltasOf(value: Block, choice: number, block: number): Generator<AnswerEvent> {
  switch (value.type) {
    case 'text':
    case 'refusal':
      yield { type: 'text', choice, block, text: value.text };
      for (const citation of value.type === 'text' ? (value.citations ?? []) : [])
        yield { type: 'citation', choice, block, citation };
      return;
    case 'reasoning': {
      const text = value.text ?? value.summary?.join('\n\n') ?? '';
      if (text !== '') yield { type: 'reasoning', choice, block, text };
      if (value.signature !== undefined) yield { type: 'signature', choice, block, signature: value.signature };
      return;
    }
    case 'tool-call':
      yield { type: 'arguments', choice, block, text: value.arguments };
      if (value.signature !== undefined) yield { type: 'signature', choice, block, signature: value.signature };
      return;
    case 'audio': {
      const data = value.source.kind === 'base64' ? value.source.data : undefined;
      yield present({ type: 'audio' as const, choice, block, data, transcript: value.transcript });
      return;
    }
    default:
      return;
  }
}
