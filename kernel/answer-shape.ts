import type { AnswerEvent, Block } from '../plugin-sdk/index.ts';

/** The member without which an event or a block of this type means nothing and cannot be written. */
const memberOfEvent: Readonly<Record<AnswerEvent['type'], string | undefined>> = {
  start: undefined,
  'block-start': 'head',
  text: 'text',
  reasoning: 'text',
  signature: 'signature',
  arguments: 'text',
  citation: 'citation',
  audio: undefined,
  'block-end': undefined,
  finish: 'finish',
  usage: 'usage',
  end: undefined,
  native: 'value',
};
const memberOfBlock: Readonly<Record<Block['type'], string | undefined>> = {
  text: 'text',
  image: 'source',
  audio: 'source',
  video: 'source',
  file: 'source',
  reasoning: undefined,
  'tool-call': 'arguments',
  'tool-result': 'content',
  refusal: 'text',
  'provider-item': 'value',
};

const events = new Map(Object.entries(memberOfEvent));
const blocks = new Map(Object.entries(memberOfBlock));

/** What is wrong with an event that a plugin emitted, if anything. */
export function eventFault(event: unknown): string | undefined {
  return shapeFault('event', events, event);
}

/** What is wrong with an answer that a plugin gave, if anything. */
export function answerFault(answer: unknown): string | undefined {
  const { choices } = (answer ?? {}) as { choices?: unknown };
  if (!Array.isArray(choices)) return 'an answer needs a list of choices';
  for (const choice of choices) {
    const { blocks: said } = (choice ?? {}) as { blocks?: unknown };
    if (!Array.isArray(said)) return 'each choice of an answer needs a list of blocks';
    for (const block of said) {
      const fault = shapeFault('block', blocks, block);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function shapeFault(what: string, known: ReadonlyMap<string, string | undefined>, value: unknown): string | undefined {
  const { type } = (value ?? {}) as { type?: unknown };
  const member = known.get(type as string);
  if (member !== undefined)
    return (value as Record<string, unknown>)[member] === undefined
      ? `the ${what} of type ${String(type)} has no ${member}`
      : undefined;
  return known.has(type as string) ? undefined : `there is no ${what} of type ${String(type)}`;
}
