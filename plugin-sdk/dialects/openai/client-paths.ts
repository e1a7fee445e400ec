import type { Block, Conversation, Message } from '../../conversation/index.ts';
import { clientIndexes } from '../client-indexes.ts';
import { carried } from './carry.ts';

/** Where a message and each of its blocks stand in what the client sent. */
export interface MessagePaths {
  readonly message: string;
  readonly blocks: readonly string[];
}

/** The client's own paths of all messages, in the words of the format that it speaks. */
export function clientPaths(conversation: Conversation): MessagePaths[] {
  if (carried(conversation, 'openai.chat') !== undefined) return chatPaths(conversation.messages);
  if (carried(conversation, 'openai.responses') !== undefined) return responsesPaths(conversation.messages);
  return otherPaths(conversation.messages);
}

/** Every tool result is a message of its own there. */
function chatPaths(messages: readonly Message[]): MessagePaths[] {
  const begins = clientIndexes(messages);
  return messages.map(({ blocks }, i) => {
    const begin = begins[i]!;
    let calls = 0;
    const place = (block: Block, j: number): string => {
      if (block.type === 'tool-result') return `messages[${begin + j}]`;
      return block.type === 'tool-call'
        ? `messages[${begin}].tool_calls[${calls++}]`
        : `messages[${begin}].content[${j}]`;
    };
    return { message: `messages[${begin}]`, blocks: blocks.map(place) };
  });
}

/** Reasoning, calls and outputs are items; so is every run of content. */
function responsesPaths(messages: readonly Message[]): MessagePaths[] {
  let item = -1;
  return messages.map((message) => {
    if (carried(message, 'openai.responses')?.['$instructions'] === true)
      return { message: 'instructions', blocks: message.blocks.map(() => 'instructions') };
    const first = item + 1;
    let content = -1;
    const blocks = message.blocks.map((block) => {
      const isContent = carried(block, 'openai.responses')?.['$item'] !== undefined || (content >= 0 && !isItem(block));
      if (!isContent || content < 0 || carried(block, 'openai.responses')?.['$item'] !== undefined) {
        item++;
        content = -1;
      }
      return isContent ? `input[${item}].content[${++content}]` : `input[${item}]`;
    });
    if (blocks.length === 0) item++;
    return { message: `input[${first}]`, blocks };
  });
}

function isItem({ type }: Block): boolean {
  return type === 'reasoning' || type === 'tool-call' || type === 'tool-result' || type === 'provider-item';
}

/** Formats with messages apart from their system text count only the messages. */
function otherPaths(messages: readonly Message[]): MessagePaths[] {
  let next = 0;
  return messages.map(({ role, blocks }) => {
    const message = role === 'system' || role === 'developer' ? 'system' : `messages[${next++}]`;
    return {
      message,
      blocks: blocks.map((_, j) => (message === 'system' ? `system[${j}]` : `${message}.content[${j}]`)),
    };
  });
}
