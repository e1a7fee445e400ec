import type { Answer, AnswerChoice, AnswerEvent, Block, BlockHead, Finish } from '../../plugin-sdk/index.ts';

type Growing = Record<string, unknown>;
type Growings = Map<number, Growing>;

/**
 * The whole answer that a stream told. What a dialect carried for its own stream is left behind: the whole form of the
 * same answer is spelled by the dialect anew.
 */
export function answerOfEvents(events: readonly AnswerEvent[]): Answer {
  const choices = new Map<number, { readonly blocks: Growings; finish?: Finish; logprobs: unknown[] }>();
  const choiceAt = (index: number) => {
    let choice = choices.get(index);
    if (choice === undefined) choices.set(index, (choice = { blocks: new Map(), logprobs: [] }));
    return choice;
  };
  const head: Growing = {};
  for (const event of events) {
    switch (event.type) {
      case 'start':
        Object.assign(head, present({ id: event.id, model: event.model, created: event.created }));
        break;
      case 'block-start':
        choiceAt(event.choice).blocks.set(event.block, opened(event.head));
        break;
      case 'finish':
        choiceAt(event.choice).finish = event.finish;
        break;
      case 'usage':
        head['usage'] = event.usage;
        break;
      case 'end':
      case 'native':
        break;
      default: {
        const choice = choiceAt(event.choice);
        const block = choice.blocks.get(event.block);
        if (block !== undefined) grow(block, event);
        if (event.type === 'text' && event.logprobs !== undefined) choice.logprobs.push(event.logprobs);
      }
    }
  }
  return {
    ...head,
    choices: [...choices]
      .sort(([a], [b]) => a - b)
      .map(([index, { blocks, finish, logprobs }]) => ({
        index,
        blocks: [...blocks].sort(([a], [b]) => a - b).map(([, block]) => block as unknown as Block),
        ...(finish === undefined ? {} : { finish }),
        ...(logprobs.length === 0 ? {} : { logprobs: joined(logprobs) }),
      })) as AnswerChoice[],
  };
}

function opened(head: BlockHead): Growing {
  switch (head.type) {
    case 'media':
    case 'provider-item':
      return { ...head.block };
    case 'text':
    case 'refusal':
      return { type: head.type, text: '' };
    case 'tool-call':
      return { ...head, arguments: '' };
    case 'audio':
      return { ...head, source: { kind: 'base64', mediaType: 'audio/*', data: '' } };
    case 'reasoning': {
      const { summary, ...rest } = head;
      return summary === true ? { ...rest, summary: [''] } : { ...rest };
    }
  }
}

type Delta = Extract<
  AnswerEvent,
  { type: 'text' | 'reasoning' | 'arguments' | 'signature' | 'citation' | 'audio' | 'block-end' }
>;

function grow(block: Growing, event: Delta): void {
  const append = (member: string, text: string): void => {
    block[member] = ((block[member] as string | undefined) ?? '') + text;
  };
  switch (event.type) {
    case 'text':
      append('text', event.text);
      return;
    case 'reasoning':
      if (Array.isArray(block['summary'])) block['summary'] = [String(block['summary'][0]) + event.text];
      else append('text', event.text);
      return;
    case 'arguments':
      append('arguments', event.text);
      return;
    case 'signature':
      append('signature', event.signature);
      if (event.maker !== undefined) block['maker'] = event.maker;
      return;
    case 'citation':
      block['citations'] = [...((block['citations'] as unknown[] | undefined) ?? []), event.citation];
      return;
    case 'audio':
      if (event.transcript !== undefined) append('transcript', event.transcript);
      if (event.data !== undefined) {
        const source = block['source'] as { readonly data: string };
        block['source'] = { ...source, data: source.data + event.data };
      }
      return;
    case 'block-end':
      return;
  }
}

/** Token probabilities come in pieces `{ content: […], refusal: […] | null }`. */
function joined(pieces: readonly unknown[]): unknown {
  const content = pieces.flatMap((piece) => (piece as { content?: unknown[] | null }).content ?? []);
  const refusal = pieces.flatMap((piece) => (piece as { refusal?: unknown[] | null }).refusal ?? []);
  return { content: content.length === 0 ? null : content, refusal: refusal.length === 0 ? null : refusal };
}

function present(fields: Growing): Growing {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
