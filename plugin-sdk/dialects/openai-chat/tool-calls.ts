import type { Block, ProviderItemBlock, ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, carrying, wireFields } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { filledArguments } from '../openai/filled-arguments.ts';
import { decodeProof, encodeProof } from '../openai/tool-call-proof.ts';
import { present } from '../present.ts';

/** One entry of `tool_calls`. A kind that is neither function nor custom stays as it is. */
export function decodeToolCall(value: JsonObject): ToolCallBlock | ProviderItemBlock {
  const kind = value['type'] === 'custom' ? 'custom' : 'function';
  const inner = value[kind];
  if (!isObject(inner) || typeof inner['name'] !== 'string') {
    return {
      type: 'provider-item',
      dialect: 'openai.chat',
      value,
      ...carrying('openai.chat', undefined, { $in: 'tool_calls' }),
    };
  }
  const reader = new FieldReader(value);
  const type = reader.oneOf('type', ['function', 'custom']);
  reader.understood(kind);
  const { name, [argumentsKey(kind)]: written, ...rest } = inner;
  const proof = decodeProof(reader);
  const index = reader.peek('index');
  reader.understood('index');
  return present({
    type: 'tool-call' as const,
    id: reader.string('id') ?? '',
    name: name as string,
    arguments: textOfArguments(written),
    kind: kind === 'custom' ? ('custom' as const) : undefined,
    ...proof,
    ...carrying('openai.chat', reader.rest(), {
      // Clients that keep Mistral's answers send it back; it says no more than the place in the list.
      $index: index,
      $type: type === undefined ? 'absent' : undefined,
      $id: 'id' in value ? undefined : 'absent',
      $inner: Object.keys(rest).length === 0 ? undefined : rest,
      $arguments: typeof written === 'string' ? undefined : (written ?? 'absent'),
    }),
  });
}

/** A call of an answer that came without an id, which could not be answered: clients of every format pair by ids. */
export function named<B extends Block>(block: B, id: string): B {
  if (block.type !== 'tool-call' || block.id !== '') return block;
  const own = carried(block, 'openai.chat');
  return { ...block, id, ...carrying('openai.chat', undefined, { ...own, $id: own?.['$id'] ?? 'empty' }) };
}

/**
 * @param sendProof False leaves out a proof that the receiver did not make.
 * @param read The call was read from this dialect and keeps its spelling.
 */
export function encodeToolCall(block: ToolCallBlock, sendProof: boolean, read: boolean): JsonObject {
  const own = carried(block, 'openai.chat');
  const kind = block.kind ?? 'function';
  const inner: JsonObject = {
    name: block.name,
    ...(read ? spelledArguments(block, own?.['$arguments']) : { [argumentsKey(kind)]: filledArguments(block) }),
    ...asObject(own?.['$inner']),
  };
  return {
    ...(own?.['$index'] === undefined ? {} : { index: own['$index'] }),
    ...(own?.['$id'] === 'absent' ? {} : { id: own?.['$id'] === 'empty' ? '' : block.id }),
    ...(own?.['$type'] === 'absent' ? {} : { type: kind }),
    [kind]: inner,
    ...(sendProof ? encodeProof(block) : {}),
    ...wireFields(own),
  };
}

function spelledArguments(block: ToolCallBlock, read: JsonValue | undefined): JsonObject {
  const key = argumentsKey(block.kind ?? 'function');
  if (read === undefined || textOfArguments(read === 'absent' ? undefined : read) !== block.arguments) {
    return { [key]: block.arguments };
  }
  return read === 'absent' ? {} : { [key]: read };
}

/** Some local servers send arguments as an object where the format wants JSON text. */
function textOfArguments(written: JsonValue | undefined): string {
  if (typeof written === 'string') return written;
  return written === undefined || written === null ? '' : JSON.stringify(written);
}

function argumentsKey(kind: 'function' | 'custom'): 'arguments' | 'input' {
  return kind === 'custom' ? 'input' : 'arguments';
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
