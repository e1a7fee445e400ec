import type { Block } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { dialectId } from './dialect-id.ts';
import { spellingOf } from './fields.ts';

/**
 * The words of a block that only this format has: a search result (also one that a client's own tool found) and the name of
 * a tool that a client's own search found. Other formats are told them as text (@anthropic-ai/sdk 1.12,
 * `SearchResultBlockParam` and `ToolReferenceBlockParam`).
 */
export function wordsOf(block: JsonObject): string | undefined {
  if (block.type === 'tool_reference') return stringOf(block.tool_name);
  if (block.type !== 'search_result') return undefined;
  const found = textsOf(block.content);
  if (found === undefined) return undefined;
  return [[block.title, block.source].filter((line) => typeof line === 'string').join('\n'), found].join('\n\n');
}

/** The text of a `content` source of a document; none when there is more in it than text. */
export function textsOf(content: JsonValue | undefined): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part) => (isObject(part) && part.type === 'text' ? stringOf(part.text) : undefined));
  return texts.every((text) => text !== undefined) ? texts.join('\n\n') : undefined;
}

/** The block that this text was read from, or one of its kind where somebody changed the words since. */
export function spokenBlock(block: Extract<Block, { type: 'text' }>): JsonObject | undefined {
  const read = spellingOf(block, dialectId, '$block');
  if (!isObject(read) || wordsOf(read) === block.text) return isObject(read) ? read : undefined;
  return read.type === 'search_result' ? { ...read, content: [{ type: 'text', text: block.text }] } : undefined;
}

/** The same for the source of a document. */
export function spokenSource(block: Extract<Block, { type: 'file' }>): JsonObject | undefined {
  const read = spellingOf(block, dialectId, '$source');
  const { source } = block;
  return isObject(read) && source.kind === 'text' && source.text === textsOf(read.content) ? read : undefined;
}

function stringOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
