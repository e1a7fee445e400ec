import type { Block, Message } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import { clientIndexes } from '../client-indexes.ts';
import type { ToolNames } from '../tool-names.ts';
import type { GeminiCapabilities } from './capabilities.ts';
import { encodePart, type PartContext } from './encode-part.ts';
import { dialectId, isNative, kept } from './notes.ts';

export interface EncodedMessages {
  readonly system: JsonObject | undefined;
  readonly contents: JsonObject[];
}

/**
 * Leading system messages become the system instruction; one in the middle becomes text of the user where it stood.
 * Neighbours of one role become one content, so that all results of parallel calls are in one turn.
 */
export function encodeMessages(
  messages: readonly Message[],
  capabilities: GeminiCapabilities,
  names: ToolNames,
  lost: (path: string) => void,
): EncodedMessages {
  const tools = new Map<string, string>();
  const context: PartContext = { audience: 'model', capabilities, names, lost, toolOf: (id) => tools.get(id) };
  const callOrder = new Map<string, number>();
  let calls = 0;
  const indexes = clientIndexes(messages);
  const contents: JsonObject[] = [];
  const instructions: JsonObject[] = [];
  let system: JsonObject | undefined;
  let open: { readonly role: string; readonly parts: JsonObject[] } | undefined;
  messages.forEach((message, position) => {
    const index = indexes[position]!;
    loseForeignCarry(message, dialectId, `messages[${index}]`, lost);
    if (message.name !== undefined) lost(`messages[${index}].name`);
    for (const block of message.blocks) {
      if (block.type !== 'tool-call') continue;
      tools.set(block.id, block.name);
      callOrder.set(block.id, calls++);
    }
    const parts = encodeBlocks(message, index, context, callOrder);
    const isSystem = message.role === 'system' || message.role === 'developer';
    const role = message.role === 'assistant' ? 'model' : 'user';
    if (isSystem && contents.length === 0 && capabilities.systemInstruction) {
      if (isNative(message)) system = nativeContent(message, role, parts);
      else instructions.push(...parts);
    } else if (isNative(message)) {
      contents.push(nativeContent(message, role, parts));
      open = undefined;
    } else if (parts.length > 0) {
      if (open?.role === role) open.parts.push(...parts);
      else contents.push({ ...(open = { role, parts }) });
    }
  });
  if (instructions.length === 0) return { system, contents };
  // Google refuses a request without contents, so a prompt that is all system text becomes the user's.
  if (contents.length === 0) return { system, contents: [{ role: 'user', parts: instructions }] };
  const before = system?.['parts'] ?? [];
  return { system: { ...system, parts: [before, instructions].flat() as JsonObject[] }, contents };
}

function encodeBlocks(
  message: Message,
  index: number,
  context: PartContext,
  callOrder: ReadonlyMap<string, number>,
): JsonObject[] {
  let calls = 0;
  let results = 0;
  const placed = message.blocks.map((block, position) => {
    const path =
      block.type === 'tool-call'
        ? `messages[${index}].tool_calls[${calls++}]`
        : block.type === 'tool-result'
          ? `messages[${index + results++}]`
          : pathOf(block, `messages[${index}]`, position);
    return { block, path };
  });
  const parts: JsonObject[] = [];
  for (const { block, path } of isNative(message) ? placed : inCallOrder(placed, callOrder)) {
    loseForeignCarry(block, dialectId, path, context.lost);
    if (block.cache !== undefined) context.lost(`${path}.prompt_cache_breakpoint`);
    encodePart(block, parts, path, context);
  }
  return parts;
}

interface Placed {
  readonly block: Block;
  readonly path: string;
}

/** Vertex takes no ids: only their order tells the results of two calls of one function apart. */
function inCallOrder(placed: readonly Placed[], callOrder: ReadonlyMap<string, number>): Placed[] {
  const orderOf = ({ block }: Placed) => (block.type === 'tool-result' && callOrder.get(block.callId)) || 0;
  const results = placed.filter(({ block }) => block.type === 'tool-result');
  results.sort((one, other) => orderOf(one) - orderOf(other));
  return placed.map((entry) => (entry.block.type === 'tool-result' ? results.shift()! : entry));
}

function pathOf(block: Block, message: string, position: number): string {
  return block.type === 'reasoning' ? `${message}.reasoning` : `${message}.content[${position}]`;
}

/** A content that was read from this dialect: its own turn, with the role and the extra fields that it had. */
function nativeContent(message: Message, role: string, parts: JsonObject[]): JsonObject {
  const { fields, notes } = kept(message);
  const content: JsonObject = { ...fields };
  if (!notes.absent?.includes('role')) content['role'] = notes.role ?? role;
  if (parts.length > 0 || !notes.absent?.includes('parts')) {
    content['parts'] = notes.single?.includes('parts') && parts.length === 1 ? parts[0]! : parts;
  }
  return content;
}
