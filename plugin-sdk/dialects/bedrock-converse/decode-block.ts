import type { Block, CacheMark, Citation, MediaSource, ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import {
  asObject,
  carrying,
  invalidField,
  readArray,
  readObject,
  readString,
  required,
  unknownFields,
} from '../anthropic-messages/fields.ts';
import type { KnownDialectId } from '../dialect.ts';
import { present } from '../present.ts';
import { openProof } from '../sealed-proof.ts';
import { documentType } from './formats.ts';

export const dialectId = 'bedrock.converse' satisfies KnownDialectId;

const known = {
  text: new Set(['text']),
  media: new Set(['format', 'source', 'name']),
  toolUse: new Set(['toolUseId', 'name', 'input', 'type']),
  toolResult: new Set(['toolUseId', 'content', 'status']),
  reasoningText: new Set(['text', 'signature']),
  citations: new Set(['content', 'citations']),
};
const ttls: ReadonlySet<unknown> = new Set(['5m', '1h']);

/** A list of content blocks; a plain cache point becomes a mark on the block before it. */
export function decodeContent(list: readonly JsonValue[], at: string): Block[] {
  const blocks: Block[] = [];
  list.forEach((value, index) => {
    const object = asObject(value, `${at}[${index}]`);
    const cache = cacheOf(object);
    const last = blocks.at(-1);
    if (cache !== undefined && last !== undefined && last.cache === undefined)
      blocks[blocks.length - 1] = { ...last, cache };
    else blocks.push(decodeBlock(object, `${at}[${index}].`));
  });
  return blocks;
}

/** The mark that a `{cachePoint}` stands for; `undefined` for anything else or more than a mark can say. */
export function cacheOf(object: JsonObject): CacheMark | undefined {
  const point = object.cachePoint;
  if (!isObject(point) || point.type !== 'default' || Object.keys(object).length > 1) return undefined;
  if (Object.keys(point).length === 1) return {};
  return Object.keys(point).length === 2 && ttls.has(point.ttl) ? { ttl: point.ttl as '5m' | '1h' } : undefined;
}

/** One content block: an object with a single member that names its kind. */
function decodeBlock(object: JsonObject, at: string): Block {
  const kind = Object.keys(object)[0];
  if (kind === undefined) throw invalidField(at.slice(0, -1), 'a content block');
  const whole: Block = { type: 'provider-item', dialect: dialectId, value: object };
  if (Object.keys(object).length > 1) return whole;
  if (kind === 'text') return { type: 'text', text: required(readString(object, 'text', at), `${at}text`, 'a string') };
  if (kind === 'json')
    return { type: 'text', text: JSON.stringify(object.json), ...carrying(dialectId, undefined, { $form: 'json' }) };
  const value = readObject(object, kind, at);
  if (value === undefined) return whole;
  switch (kind) {
    case 'image':
    case 'document':
    case 'video':
    case 'audio':
      return decodeMedia(kind, value, `${at}${kind}.`) ?? whole;
    case 'toolUse':
      return value.type === 'server_tool_use' ? whole : decodeToolUse(value, `${at}toolUse.`);
    case 'toolResult':
      return value.type === undefined ? decodeToolResult(value, `${at}toolResult.`) : whole;
    case 'reasoningContent':
      return decodeReasoning(value) ?? whole;
    case 'citationsContent':
      return decodeCitations(value) ?? whole;
    default:
      return whole;
  }
}

export function decodeCitation(value: JsonObject): Citation {
  const source = Array.isArray(value.sourceContent) ? value.sourceContent : [];
  const quoted = source.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
  const web = isObject(value.location) && isObject(value.location.web) ? value.location.web : {};
  return {
    ...present({
      url: typeof web.url === 'string' ? web.url : undefined,
      title: typeof value.title === 'string' ? value.title : undefined,
      text: quoted === '' ? undefined : quoted,
    }),
    carry: { [dialectId]: value },
  };
}

/** Bedrock wraps Claude's redacted data in another base64; unwrapped it is the same as at Anthropic. */
export function openRedacted(blob: string): string {
  const text = Buffer.from(blob, 'base64').toString('latin1');
  return /^[\w+/=-]+$/.test(text) && sealRedacted(text) === blob ? text : blob;
}

export function sealRedacted(data: string): string {
  return Buffer.from(data, 'latin1').toString('base64');
}

function decodeToolUse(value: JsonObject, at: string): Block {
  const spelling = value.type === undefined ? undefined : { $type: value.type };
  return {
    type: 'tool-call',
    id: required(readString(value, 'toolUseId', at), `${at}toolUseId`, 'a string'),
    name: required(readString(value, 'name', at), `${at}name`, 'a string'),
    arguments: JSON.stringify(value.input ?? {}),
    ...carrying(dialectId, unknownFields(value, known.toolUse), spelling),
  };
}

function decodeToolResult(value: JsonObject, at: string): Block {
  const status = readString(value, 'status', at);
  return {
    type: 'tool-result',
    callId: required(readString(value, 'toolUseId', at), `${at}toolUseId`, 'a string'),
    content: decodeContent(readArray(value, 'content', at) ?? [], `${at}content`),
    ...(status === undefined ? {} : { isError: status === 'error' }),
    ...carrying(
      dialectId,
      unknownFields(value, known.toolResult),
      value.content === undefined ? { $content: 'absent' } : undefined,
    ),
  };
}

function decodeReasoning(value: JsonObject): Block | undefined {
  if (Object.keys(value).length !== 1) return undefined;
  if (typeof value.redactedContent === 'string') {
    const encrypted = openRedacted(value.redactedContent);
    const spelling = encrypted === value.redactedContent ? { $raw: true } : undefined;
    return { type: 'reasoning', encrypted, maker: 'anthropic', ...carrying(dialectId, undefined, spelling) };
  }
  const inner = value.reasoningText;
  if (!isObject(inner) || typeof inner.text !== 'string') return undefined;
  return {
    type: 'reasoning',
    text: inner.text,
    ...proofOf(inner.signature),
    ...carrying(dialectId, unknownFields(inner, known.reasoningText)),
  };
}

/** Only Claude signs its thinking here; the gateway seals what others signed. */
function proofOf(signature: JsonValue | undefined): Partial<ReasoningBlock> {
  if (typeof signature !== 'string') return {};
  const sealed = openProof(signature);
  if (sealed === undefined) return { signature, ...(signature === '' ? {} : { maker: 'anthropic' }) };
  const { call: _, ...proof } = sealed;
  return proof;
}

function decodeCitations(value: JsonObject): Block | undefined {
  const { content, citations } = value;
  if (!Array.isArray(content) || content.length !== 1 || unknownFields(value, known.citations) !== undefined)
    return undefined;
  const [part] = content;
  if (!isObject(part) || typeof part.text !== 'string' || Object.keys(part).length > 1) return undefined;
  const list = Array.isArray(citations) ? { citations: citations.filter(isObject).map(decodeCitation) } : {};
  return { type: 'text', text: part.text, ...list, ...carrying(dialectId, undefined, { $form: 'citations' }) };
}

function decodeMedia(kind: 'image' | 'document' | 'video' | 'audio', value: JsonObject, at: string): Block | undefined {
  const source = readObject(value, 'source', at);
  const format = readString(value, 'format', at);
  if (source === undefined || Object.keys(source).length !== 1) return undefined;
  const mediaType = format === undefined ? undefined : kind === 'document' ? documentType(format) : `${kind}/${format}`;
  const decoded = decodeSource(source, mediaType);
  if (decoded === undefined) return undefined;
  const bucket = isObject(source.s3Location) ? source.s3Location.bucketOwner : undefined;
  const spelling = present({ $bucketOwner: bucket, $format: format });
  const carried = carrying(
    dialectId,
    unknownFields(value, known.media),
    Object.keys(spelling).length === 0 ? undefined : spelling,
  );
  if (kind !== 'document') return { type: kind, source: decoded, ...carried };
  return { type: 'file', source: decoded, ...present({ name: readString(value, 'name', at) }), ...carried };
}

function decodeSource(source: JsonObject, mediaType: string | undefined): MediaSource | undefined {
  const typed = present({ mediaType });
  if (typeof source.bytes === 'string')
    return { kind: 'base64', data: source.bytes, mediaType: mediaType ?? 'application/octet-stream' };
  if (typeof source.text === 'string') return { kind: 'text', text: source.text, ...typed };
  const location = source.s3Location;
  if (!isObject(location) || typeof location.uri !== 'string') return undefined;
  return { kind: 'url', url: location.uri, ...typed };
}
