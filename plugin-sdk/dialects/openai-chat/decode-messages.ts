import type { Block, Message, ToolResultBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { present } from '../present.ts';
import { decodeContent } from './content-parts.ts';
import { decodeAssistant, isPlainText } from './decode-assistant.ts';

const dialect = 'openai.chat';

/** Messages in order; tool messages in a row become one user message of tool results. */
export function decodeMessages(values: readonly JsonValue[]): Message[] {
  const messages: Message[] = [];
  let results: ToolResultBlock[] | undefined;
  values.forEach((value, i) => {
    const path = `messages[${i}]`;
    if (!isObject(value)) throw invalid(path, 'must be an object');
    if (value['role'] === 'tool' || value['role'] === 'function') {
      if (results === undefined) messages.push({ role: 'user', blocks: (results = []) });
      results.push(decodeToolMessage(value, path));
    } else {
      results = undefined;
      messages.push(decodeMessage(value, path));
    }
  });
  return messages;
}

const roles = ['system', 'developer', 'user', 'assistant'] as const;

function decodeMessage(value: JsonObject, path: string): Message {
  const reader = new FieldReader(value, path);
  const role = reader.oneOf('role', roles);
  if (role === undefined) throw invalid(`${path}.role`, `must be one of ${roles.join(', ')}, tool`);
  const name = reader.string('name');
  if (role === 'assistant') {
    const { blocks, spellings } = decodeAssistant(reader, value, path);
    return present({ role, name, blocks, ...carrying(dialect, reader.rest(), spellings) });
  }
  const { blocks, spellings } = readContent(reader, value, path);
  return present({ role, name, blocks, ...carrying(dialect, reader.rest(), spellings) });
}

function decodeToolMessage(value: JsonObject, path: string): ToolResultBlock {
  const reader = new FieldReader(value, path);
  const role = reader.string('role');
  const name = reader.string('name');
  // The deprecated function role names the call instead of identifying it.
  const callId = role === 'function' ? name : reader.string('tool_call_id');
  if (callId === undefined) throw invalid(`${path}.${role === 'function' ? 'name' : 'tool_call_id'}`, 'is missing');
  const { blocks, spellings } = readContent(reader, value, path);
  const kind = { $role: role === 'function' ? role : undefined, $inline: blocks.every(isText) ? undefined : true };
  const carry = carrying(dialect, reader.rest(), { ...spellings, ...kind });
  return present({ type: 'tool-result' as const, callId, name, content: blocks, ...carry });
}

function isText({ type }: Block): boolean {
  return type === 'text';
}

function readContent(
  reader: FieldReader,
  value: JsonObject,
  path: string,
): { blocks: Message['blocks']; spellings: JsonObject } {
  const content = value['content'];
  const blocks = decodeContent(content, `${path}.content`);
  reader.understood('content');
  if (content === undefined || content === null)
    return { blocks, spellings: { $content: content === null ? 'null' : 'absent' } };
  const parts = Array.isArray(content) && (blocks.length === 0 || isPlainText(blocks));
  return { blocks, spellings: parts ? { $content: 'parts' } : {} };
}
