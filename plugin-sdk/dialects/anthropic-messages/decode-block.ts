import type { Block, CacheMark, Citation, MediaSource, ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { openedReasoning, openProof } from '../sealed-proof.ts';
import { dialectId } from './dialect-id.ts';
import {
  asObject,
  carrying,
  readArray,
  readBoolean,
  readObject,
  readString,
  required,
  unknownFields,
} from './fields.ts';
import { textsOf, wordsOf } from './spoken-blocks.ts';

const known = {
  text: new Set(['type', 'text', 'citations', 'cache_control']),
  image: new Set(['type', 'source', 'cache_control']),
  document: new Set(['type', 'source', 'title', 'cache_control']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted: new Set(['type', 'data']),
  toolUse: new Set(['type', 'id', 'name', 'input', 'cache_control']),
  toolResult: new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']),
  spoken: new Set(['type', 'source', 'title', 'content', 'tool_name', 'cache_control']),
  citation: new Set(['url', 'title', 'document_title', 'cited_text']),
};
const ttls: ReadonlySet<unknown> = new Set(['5m', '30m', '1h', '12h']);

/** `content` as a string or as blocks; `at` is its path. */
export function decodeContent(content: JsonValue | undefined, at: string): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const list = readArray({ content }, 'content', at.slice(0, -'content'.length)) ?? [];
  const blocks: Block[] = [];
  list.forEach((value, index) => {
    const object = asObject(value, `${at}[${index}]`);
    const proof = object.type === 'redacted_thinking' ? openProof(String(object.data)) : undefined;
    if (proof?.call === undefined) blocks.push(decodeBlock(object, `${at}[${index}].`));
    else attachProof(blocks, proof.call, present({ signature: proof.signature, maker: proof.maker, itemId: proof.id }));
  });
  return blocks;
}

/** One content block; what only this dialect knows becomes a provider item. */
function decodeBlock(object: JsonObject, at: string): Block {
  switch (object.type) {
    case 'text':
      return {
        type: 'text',
        text: required(readString(object, 'text', at), `${at}text`, 'a string'),
        ...present({
          citations: readArray(object, 'citations', at)?.map((entry) =>
            decodeCitation(asObject(entry, `${at}citations`)),
          ),
        }),
        ...cacheAndCarry(object, known.text),
      };
    case 'image':
    case 'document':
      return decodeMedia(object, at);
    case 'thinking':
      return decodeThinking(object, at);
    case 'redacted_thinking': {
      const data = required(readString(object, 'data', at), `${at}data`, 'a string');
      const carried = carrying(dialectId, unknownFields(object, known.redacted));
      const proof = openProof(data);
      return proof === undefined
        ? { type: 'reasoning', encrypted: data, maker: 'anthropic', ...carried }
        : {
            type: 'reasoning',
            ...present({ maker: proof.maker, id: proof.id, encrypted: proof.encrypted, signature: proof.signature }),
            ...carried,
          };
    }
    case 'tool_use':
      return {
        type: 'tool-call',
        id: required(readString(object, 'id', at), `${at}id`, 'a string'),
        name: required(readString(object, 'name', at), `${at}name`, 'a string'),
        arguments: JSON.stringify(object.input ?? {}),
        ...cacheAndCarry(object, known.toolUse),
      };
    case 'tool_result': {
      const spelling =
        typeof object.content === 'string'
          ? { $content: 'string' }
          : object.content == null
            ? { $content: 'absent' }
            : undefined;
      return {
        type: 'tool-result',
        callId: required(readString(object, 'tool_use_id', at), `${at}tool_use_id`, 'a string'),
        content: decodeContent(object.content, `${at}content`),
        ...present({ isError: readBoolean(object, 'is_error', at) }),
        ...cacheAndCarry(object, known.toolResult, spelling),
      };
    }
    default: {
      required(readString(object, 'type', at), `${at}type`, 'a string');
      const words = wordsOf(object);
      return words === undefined
        ? { type: 'provider-item', dialect: dialectId, value: object }
        : { type: 'text', text: words, ...cacheAndCarry(object, known.spoken, { $block: object }) };
    }
  }
}

/** Web search, search result, page and character locations become one shape; their indexes are carried. */
export function decodeCitation(object: JsonObject): Citation {
  const text = (key: string): string | undefined => (typeof object[key] === 'string' ? object[key] : undefined);
  return {
    ...present({ url: text('url'), title: text('title') ?? text('document_title'), text: text('cited_text') }),
    ...carrying(dialectId, unknownFields(object, known.citation)),
  };
}

/** A cache mark, or what to remember of it where the model has no word. */
export function decodeCache(value: JsonValue | undefined): {
  readonly cache?: CacheMark;
  readonly spelling?: JsonObject;
} {
  if (!isObject(value)) return {};
  const plain =
    value.type === 'ephemeral' &&
    Object.keys(value).every((key) => key === 'type' || (key === 'ttl' && ttls.has(value.ttl)));
  const cache = ttls.has(value.ttl) ? { ttl: value.ttl as NonNullable<CacheMark['ttl']> } : {};
  return plain ? { cache } : { cache, spelling: { $cache: value } };
}

function decodeMedia(object: JsonObject, at: string): Block {
  const given = required(readObject(object, 'source', at), `${at}source`, 'an object');
  const source = decodeSource(given, `${at}source.`);
  if (object.type === 'document') return decodeDocument(object, given, source, at);
  if (source === undefined) return { type: 'provider-item', dialect: dialectId, value: object };
  return { type: 'image', source, ...cacheAndCarry(object, known.image) };
}

/** A `content` source is a text that came in pieces, which citations count. */
function decodeDocument(object: JsonObject, given: JsonObject, source: MediaSource | undefined, at: string): Block {
  const text = given.type === 'content' ? textsOf(given.content) : undefined;
  if (source === undefined && text === undefined) return { type: 'provider-item', dialect: dialectId, value: object };
  return {
    type: 'file',
    source: source ?? { kind: 'text', text: text!, mediaType: 'text/plain' },
    ...present({ name: readString(object, 'title', at) }),
    ...cacheAndCarry(object, known.document, source === undefined ? { $source: given } : undefined),
  };
}

function decodeSource(source: JsonObject, at: string): MediaSource | undefined {
  const need = (key: string): string => required(readString(source, key, at), at + key, 'a string');
  if (source.type === 'base64') return { kind: 'base64', mediaType: need('media_type'), data: need('data') };
  if (source.type === 'url') return { kind: 'url', url: need('url') };
  if (source.type === 'file') return { kind: 'file', id: need('file_id') };
  if (source.type === 'text') return { kind: 'text', text: need('data'), mediaType: need('media_type') };
  return undefined;
}

function decodeThinking(object: JsonObject, at: string): Block {
  const text = required(readString(object, 'thinking', at), `${at}thinking`, 'a string');
  const signature = readString(object, 'signature', at);
  const carried = carrying(dialectId, unknownFields(object, known.thinking));
  const proof = signature === undefined ? undefined : openProof(signature);
  if (proof !== undefined) return { ...openedReasoning(proof, text), ...carried };
  // An empty signature is what clients send back of thinking that nobody signed.
  return { type: 'reasoning', text, ...present({ signature, maker: signature ? 'anthropic' : undefined }), ...carried };
}

function cacheAndCarry(
  object: JsonObject,
  fields: ReadonlySet<string>,
  spelling?: JsonObject,
): Pick<Block, 'cache' | 'carry'> {
  const mark = decodeCache(object.cache_control);
  const spellings =
    spelling === undefined && mark.spelling === undefined ? undefined : { ...spelling, ...mark.spelling };
  return { ...present({ cache: mark.cache }), ...carrying(dialectId, unknownFields(object, fields), spellings) };
}

function attachProof(blocks: Block[], callId: string, proof: Partial<ToolCallBlock>): void {
  const at = blocks.findIndex((block) => block.type === 'tool-call' && block.id === callId);
  if (at >= 0) blocks[at] = { ...(blocks[at] as ToolCallBlock), ...proof };
}
