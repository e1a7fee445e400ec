import type {
  Answer,
  AnswerEvent,
  Block,
  Conversation,
  CustomTool,
  FunctionTool,
  Message,
  Tool,
  ToolChoice,
} from '../../conversation/index.ts';
import type { StreamDecoder } from '../dialect.ts';
import { freeText } from '../free-text.ts';

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

function isCustom(tool: Tool): tool is CustomTool {
  return tool.type === 'custom';
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
  const parameters = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };
  return { type: 'function', name, parameters, ...(description === undefined ? {} : { description }) };
}

function asFunctionCalls(message: Message): Message {
  if (!callsCustom(message)) return message;
  const blocks = message.blocks.map((block): Block => {
    if (block.type !== 'tool-call' || block.kind !== 'custom') return block;
    const { kind: _, ...call } = block;
    return { ...call, arguments: JSON.stringify({ input: block.arguments }) };
  });
  return { ...message, blocks };
}

function freeTextTools(request: Conversation | undefined): ReadonlySet<string> | undefined {
  const tools = request?.tools?.filter(isCustom);
  return tools === undefined || tools.length === 0 ? undefined : new Set(tools.map(({ name }) => name));
}

/** The answer with calls of free-text tools as the client declared them. */
export function withFreeText(answer: Answer, request: Conversation | undefined): Answer {
  const custom = freeTextTools(request);
  if (custom === undefined) return answer;
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
  const custom = freeTextTools(request);
  if (custom === undefined) return decoder;
  const held = new Map<string, string>();
  let target: (event: AnswerEvent) => void = () => {};
  const restore = (event: AnswerEvent): void => {
    const place = 'block' in event ? `${event.choice} ${event.block}` : '';
    const text = held.get(place);
    if (event.type === 'block-start' && event.head.type === 'tool-call') {
      if (event.head.kind === 'custom' || !custom.has(event.head.name)) return target(event);
      held.set(place, '');
      return target({ ...event, head: { ...event.head, kind: 'custom' } });
    }
    if (event.type === 'arguments' && text !== undefined) {
      held.set(place, text + event.text);
      return;
    }
    if (event.type === 'block-end' && text !== undefined) {
      held.delete(place);
      target({ type: 'arguments', choice: event.choice, block: event.block, text: freeText(text) });
    }
    target(event);
  };
  return {
    event(event, emit) {
      target = emit;
      decoder.event(event, restore);
    },
    end(emit) {
      target = emit;
      decoder.end(restore);
    },
  };
}
