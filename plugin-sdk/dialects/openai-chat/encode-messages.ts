import type { Block, Conversation, Message, ToolResultBlock } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { withMadeImages } from '../made-images.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { clientPaths, type MessagePaths } from '../openai/client-paths.ts';
import { encodeAssistant, type ReasoningPolicy } from './encode-assistant.ts';
import { type ContentContext, encodeContent, type PlacedBlock } from './encode-content.ts';

const dialect = 'openai.chat';

/** Messages of a request. Tool results leave their user message and become one tool message each, in front of it. */
export function encodeMessages(
  conversation: Conversation,
  policy: ReasoningPolicy,
  context: ContentContext,
): JsonObject[] {
  const messages = context.own ? conversation.messages : withMadeImages(conversation.messages, true, context.lost);
  const paths = clientPaths({ ...conversation, messages });
  return messages.flatMap((message, i) => encodeMessage(message, paths[i]!, policy, context));
}

function encodeMessage(
  message: Message,
  { message: path, blocks }: MessagePaths,
  policy: ReasoningPolicy,
  context: ContentContext,
): JsonObject[] {
  reportForeign(message, dialect, path, context.lost);
  const placed = message.blocks.map((block, j): PlacedBlock => ({ block, path: blocks[j]! }));
  const own = carried(message, dialect);
  if (message.role === 'assistant') {
    const fields = encodeAssistant(placed, own, policy, context);
    if (!context.own && isEmptied(message, fields)) return [];
    if (fields['content'] === undefined) delete fields['content'];
    return [{ role: 'assistant', ...encodeName(message, path, context), ...fields }];
  }
  const results = placed.filter(isResult);
  const toolMessages = results.map((result) => encodeToolMessage(result.block, result.path, context));
  const rest = [...results.flatMap(attachments), ...placed.filter((one) => !isResult(one))];
  if (results.length > 0 && rest.length === 0) return toolMessages;
  const content = encodeFilledContent(rest, own, context);
  if (!context.own && isEmptied(message, content)) return toolMessages;
  return [
    ...toolMessages,
    { role: roleOf(message, context), ...encodeName(message, path, context), ...content, ...wireFields(own) },
  ];
}

/** Nothing that the message held has a form here: providers refuse a message without content. */
function isEmptied({ role, blocks }: Message, { content, ...others }: JsonObject): boolean {
  const bare = content === '' || content === null || (Array.isArray(content) && content.length === 0);
  return (role === 'assistant' || blocks.length > 0) && bare && Object.keys(others).length === 0;
}

function encodeFilledContent(
  placed: readonly PlacedBlock[],
  own: JsonObject | undefined,
  context: ContentContext,
): JsonObject {
  const spelling = own?.['$content'];
  if (placed.length === 0 && spelling === 'absent') return {};
  if (placed.length === 0 && spelling === 'null') return { content: null };
  return { content: encodeContent(placed, spelling, context) };
}

function encodeName(message: Message, path: string, context: ContentContext): JsonObject {
  if (message.name === undefined) return {};
  if (context.capabilities.refuses?.includes('messages[].name') !== true) return { name: message.name };
  context.lost(`${path}.name`);
  return {};
}

function roleOf(message: Message, context: ContentContext): string {
  return message.role === 'developer' && context.capabilities.developerRole === false ? 'system' : message.role;
}

type PlacedResult = PlacedBlock & { readonly block: ToolResultBlock };

function isResult(placed: PlacedBlock): placed is PlacedResult {
  return placed.block.type === 'tool-result';
}

function encodeToolMessage(block: ToolResultBlock, path: string, context: ContentContext): JsonObject {
  reportForeign(block, dialect, path, context.lost);
  const own = carried(block, dialect);
  if (block.isError === true) context.lost(`${path}.is_error`);
  if (block.cache !== undefined) context.lost(`${path}.cache_control`);
  const inline = place(block, path).filter(({ block: inner }) => staysInline(inner, block));
  const content = encodeFilledContent(inline, own, context);
  if (own?.['$role'] === 'function') return { role: 'function', name: block.callId, ...content, ...wireFields(own) };
  const name = block.name === undefined || !context.own ? {} : { name: block.name };
  return { role: 'tool', tool_call_id: block.callId, ...name, ...content, ...wireFields(own) };
}

/** A tool message holds only text, so media that another format put into a result follows in a user message. */
function attachments({ block, path }: PlacedResult): PlacedBlock[] {
  return place(block, path).filter(({ block: inner }) => !staysInline(inner, block));
}

function staysInline(block: Block, result: ToolResultBlock): boolean {
  const isText = block.type === 'text' || (block.type === 'file' && block.source.kind === 'text');
  return isText || carried(result, dialect)?.['$inline'] === true;
}

function place(result: ToolResultBlock, path: string): PlacedBlock[] {
  return result.content.map((block, k) => ({ block, path: `${path}.content[${k}]` }));
}
