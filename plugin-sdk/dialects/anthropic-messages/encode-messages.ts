import type { Conversation, Message } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import { clientIndexes } from '../client-indexes.ts';
import { withMadeImages } from '../made-images.ts';
import { clientPath } from './client-path.ts';
import { dialectId } from './dialect-id.ts';
import { type BlockScope, encodeBlock } from './encode-block.ts';
import { carriedFields, spellingOf } from './fields.ts';
import { toolLoopStart } from './thinking.ts';

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  content: JsonObject[];
  /** The client's index of the last message in it. */
  index: number;
}

/** A conversation from another format as top-level `system` blocks and turns. */
export function translateMessages(
  conversation: Conversation,
  scope: Omit<BlockScope, 'native' | 'inToolLoop'>,
  midConversationSystem: boolean,
): { system: JsonObject[]; turns: Turn[] } {
  const messages = withMadeImages(conversation.messages, true, scope.lost);
  const loopStart = toolLoopStart(messages);
  const encode = (message: Message, clientIndex: number, index: number): JsonObject[] => {
    loseForeignCarry(message, dialectId, `messages[${clientIndex}]`, scope.lost);
    if (message.name !== undefined) scope.lost(`messages[${clientIndex}].name`);
    return encodeBlocks(message, clientIndex, { ...scope, native: false, inToolLoop: index >= loopStart });
  };
  return arrange(messages, encode, midConversationSystem);
}

/** A conversation that was read from this dialect: every message as it stood. */
export function restoreMessages(
  conversation: Conversation,
  scope: BlockScope,
): { system?: JsonValue; messages: JsonValue[] } {
  const system: JsonObject[] = [];
  const messages: JsonValue[] = [];
  let form: JsonValue | undefined;
  conversation.messages.forEach((message, index) => {
    const content = encodeBlocks(message, index, scope);
    const place = spellingOf(message, dialectId, '$system');
    const isTop =
      place !== undefined || message.role === 'developer' || (message.role === 'system' && messages.length === 0);
    if (isTop) {
      form = system.length === 0 ? place : 'blocks';
      system.push(...content);
    } else {
      const asString = spellingOf(message, dialectId, '$content') === 'string' && content.length === 1;
      messages.push({
        role: message.role,
        content: asString ? content[0]!.text! : content,
        ...carriedFields(message, dialectId),
      });
    }
  });
  if (form === undefined && system.length === 0) return { messages };
  return { system: form === 'string' ? system[0]!.text! : system, messages };
}

function encodeBlocks(message: Message, clientIndex: number, scope: BlockScope): JsonObject[] {
  let calls = 0;
  return message.blocks
    .map((block, at) => {
      const callPath = `messages[${clientIndex}].tool_calls[${calls}].function.arguments`;
      if (block.type === 'tool-call') calls += 1;
      return encodeBlock(block, clientPath(message, clientIndex, at), callPath, scope);
    })
    .filter(isObject);
}

/**
 * Hoists system text (unless there is nothing else), joins neighbours of one role, and puts tool results first in their turn, as they must directly
 * follow the calls. Where the model takes system text between turns, it goes behind the user turn that it stood at.
 */
export function arrange(
  messages: readonly Message[],
  encode: (message: Message, clientIndex: number, index: number) => JsonObject[],
  midConversationSystem: boolean,
): { system: JsonObject[]; turns: Turn[] } {
  const indexes = clientIndexes(messages);
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  let waiting: JsonObject[] = [];
  const placeWaiting = (): void => {
    const last = turns.at(-1);
    if (waiting.length > 0 && last?.role === 'user')
      turns.push({ role: 'system', content: waiting, index: last.index });
    else system.push(...waiting);
    waiting = [];
  };
  messages.forEach((message, at) => {
    const index = indexes[at]!;
    const content = encode(message, index, at);
    const { role } = message;
    if (role === 'system' || role === 'developer') {
      (midConversationSystem && turns.length > 0 ? waiting : system).push(...content);
      return;
    }
    if (role === 'assistant') placeWaiting();
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) {
      last.content.push(...content);
      last.index = index;
    } else turns.push({ role, content, index });
  });
  placeWaiting();
  for (const turn of turns) if (turn.role === 'user') turn.content = resultsFirst(turn.content);
  // A request without messages is refused, so a prompt that is all system text becomes the user's.
  if (turns.length === 0 && system.length > 0)
    return { system: [], turns: [{ role: 'user', content: system, index: 0 }] };
  return { system, turns };
}

/** A cache point covers what stands before it, so one behind a result goes with it. */
function resultsFirst(content: JsonObject[]): JsonObject[] {
  const isResult = (block: JsonObject | undefined): boolean =>
    block?.type === 'tool_result' || block?.toolResult !== undefined;
  const leads = content.map(
    (block, at) => isResult(block) || (block.cachePoint !== undefined && isResult(content[at - 1])),
  );
  return [...content.filter((_, at) => leads[at]), ...content.filter((_, at) => !leads[at])];
}
