import type {
  Answer,
  Block,
  Conversation,
  CustomTool,
  FunctionTool,
  Message,
  ToolChoice,
} from '../../conversation/index.ts';
import { changeEvents } from '../change-events.ts';
import type { StreamDecoder } from '../dialect.ts';
import { customToolNames, freeText, freeTextArguments, freeTextParameters, isCustom } from '../free-text.ts';

/** The conversation for a target that only has functions: a free-text tool becomes one with a single string, `input`. */
export function withFunctionsOnly(conversation: Conversation, lost: (path: string) => void): Conversation {
  const { messages, tools, toolChoice } = conversation;
  if (tools?.some(isCustom) !== true && !messages.some(callsCustom)) return conversation;
  return {
    ...conversation,
    messages: messages.map(asFunctionCalls),
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool, i) => (isCustom(tool) ? asFunction(tool, i, lost) : tool)) }),
    ...(toolChoice === undefined ? {} : { toolChoice: asFunctionChoice(toolChoice) }),
  };
}

function callsCustom({ blocks }: Message): boolean {
  return blocks.some((block) => block.type === 'tool-call' && block.kind === 'custom');
}

function asFunctionChoice(choice: ToolChoice): ToolChoice {
  if (choice.type !== 'tool') return choice;
  const { kind: _, ...named } = choice;
  return named;
}

function asFunction({ name, description, format }: CustomTool, i: number, lost: (path: string) => void): FunctionTool {
  if (format !== undefined && format['type'] !== 'text') lost(`tools[${i}].custom.format`);
  const parameters = freeTextParameters();
  return { type: 'function', name, parameters, ...(description === undefined ? {} : { description }) };
}

function asFunctionCalls(message: Message): Message {
  if (!callsCustom(message)) return message;
  const blocks = message.blocks.map((block): Block => {
    if (block.type !== 'tool-call' || block.kind !== 'custom') return block;
    const { kind: _, ...call } = block;
    return { ...call, arguments: freeTextArguments(block.arguments) };
  });
  return { ...message, blocks };
}

/** The answer with calls of free-text tools as the client declared them. */
export function withFreeText(answer: Answer, request: Conversation | undefined): Answer {
  const custom = customToolNames(request);
  if (custom.size === 0) return answer;
  const choices = answer.choices.map((choice) => ({
    ...choice,
    blocks: choice.blocks.map((block) =>
      block.type === 'tool-call' && block.kind !== 'custom' && custom.has(block.name)
        ? { ...block, kind: 'custom' as const, arguments: freeText(block.arguments) }
        : block,
    ),
  }));
  return { ...answer, choices };
}

/** The decoder, giving such calls as free text: it waits for their end, since the text is inside JSON. */
export function decoderWithFreeText(decoder: StreamDecoder, request: Conversation | undefined): StreamDecoder {
  const custom = customToolNames(request);
  if (custom.size === 0) return decoder;
  const held = new Map<string, string>();
  return changeEvents(decoder, (event, emit) => {
    const place = 'block' in event ? `${event.choice} ${event.block}` : '';
    const text = held.get(place);
    if (event.type === 'block-start' && event.head.type === 'tool-call') {
      if (event.head.kind === 'custom' || !custom.has(event.head.name)) return emit(event);
      held.set(place, '');
      return emit({ ...event, head: { ...event.head, kind: 'custom' } });
    }
    if (event.type === 'arguments' && text !== undefined) {
      held.set(place, text + event.text);
      return;
    }
    if (event.type === 'block-end' && text !== undefined) {
      held.delete(place);
      emit({ type: 'arguments', choice: event.choice, block: event.block, text: freeText(text) });
    }
    emit(event);
  });
}
