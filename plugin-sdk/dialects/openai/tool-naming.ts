import type { Answer, Conversation, Message, Tool } from '../../conversation/index.ts';
import { changeEvents } from '../change-events.ts';
import type { KnownDialectId, StreamDecoder } from '../dialect.ts';
import { type ToolNames, toolNames } from '../tool-names.ts';
import { carried } from './carry.ts';

const forbidden = /[^a-zA-Z0-9_-]/g;
const longest = 64;

/** The names that OpenAI takes for a conversation's tools. What the dialect's own client wrote is left to it. */
function namesOf(conversation: Conversation | undefined, dialect: KnownDialectId): ToolNames | undefined {
  if (conversation === undefined || carried(conversation, dialect) !== undefined) return undefined;
  return toolNames(conversation, forbidden, longest);
}

/** The conversation with tool names that OpenAI takes. */
export function withWireNames(conversation: Conversation, dialect: KnownDialectId): Conversation {
  const names = namesOf(conversation, dialect);
  if (names === undefined) return conversation;
  const { toolChoice, tools } = conversation;
  return {
    ...conversation,
    messages: conversation.messages.map((message) => renamedMessage(message, names)),
    ...(tools === undefined ? {} : { tools: tools.map((tool) => renamedTool(tool, names)) }),
    ...(toolChoice === undefined ? {} : { toolChoice: renamedChoice(toolChoice, names) }),
  };
}

function renamedMessage(message: Message, names: ToolNames): Message {
  if (!message.blocks.some(({ type }) => type === 'tool-call')) return message;
  const blocks = message.blocks.map((block) =>
    block.type === 'tool-call' ? { ...block, name: names.toWire(block.name) } : block,
  );
  return { ...message, blocks };
}

function renamedTool(tool: Tool, names: ToolNames): Tool {
  return tool.type === 'provider' ? tool : { ...tool, name: names.toWire(tool.name) };
}

function renamedChoice(
  choice: NonNullable<Conversation['toolChoice']>,
  names: ToolNames,
): NonNullable<Conversation['toolChoice']> {
  if (choice.type === 'tool') return { ...choice, name: names.toWire(choice.name) };
  return choice.type === 'allowed' ? { ...choice, names: choice.names.map((name) => names.toWire(name)) } : choice;
}

/** The answer with the tool names that the client knows. */
export function withClientNames(answer: Answer, request: Conversation | undefined, dialect: KnownDialectId): Answer {
  const names = namesOf(request, dialect);
  if (names === undefined) return answer;
  const choices = answer.choices.map((choice) => ({
    ...choice,
    blocks: choice.blocks.map((block) =>
      block.type === 'tool-call' ? { ...block, name: names.fromWire(block.name) } : block,
    ),
  }));
  return { ...answer, choices };
}

/** The decoder, giving the tool names that the client knows. */
export function decoderWithClientNames(
  decoder: StreamDecoder,
  request: Conversation | undefined,
  dialect: KnownDialectId,
): StreamDecoder {
  const names = namesOf(request, dialect);
  if (names === undefined) return decoder;
  return changeEvents(decoder, (event, emit) => {
    if (event.type !== 'block-start' || event.head.type !== 'tool-call') emit(event);
    else emit({ ...event, head: { ...event.head, name: names.fromWire(event.head.name) } });
  });
}
