import {
  type Body,
  type GatewayRequest,
  isObject,
  type JsonObject,
  type JsonValue,
  type Operation,
} from '../../plugin-sdk/index.ts';
import { multipartBoundary, readMultipartField, readValue, scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';
import type { Estimates } from './options.ts';

/** The most a call can use. */
export interface Estimate {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** False when `outputTokens` is a default, since the request states no limit. */
  readonly outputStated: boolean;
  readonly images?: number;
  readonly characters?: number;
  readonly audioSeconds?: number;
  readonly serviceTier?: string;
  readonly imageSize?: string;
  readonly imageQuality?: string;
}

/** Where the dialects state the limit of one answer: at the top, or in an object there. */
const limitNames = ['max_completion_tokens', 'max_output_tokens', 'max_tokens', 'max_tokens_to_sample'] as const;
const limitHolders = [
  ['generationConfig', ['maxOutputTokens', 'max_output_tokens'], ['candidateCount']],
  ['generation_config', ['max_output_tokens', 'maxOutputTokens'], ['candidate_count']],
  ['inferenceConfig', ['maxTokens'], []],
  ['options', ['num_predict'], []],
] as const;
const choiceNames = ['n', 'best_of'] as const;
const factNames = ['service_tier', 'size', 'quality', 'input'] as const;
const names = [...limitNames, ...limitHolders.map(([name]) => name), ...choiceNames, ...factNames];

const withoutOutput: ReadonlySet<Operation> = new Set([
  'embeddings',
  'moderations',
  'rerank',
  'count_tokens',
  'models',
  'files',
  'batches',
]);

/** Media in a JSON body; looked for before the body is parsed to measure them. */
const mediaSigns = ['"image', '"input_', '"file', '"audio', '"video', '"inline', '"document'];
/** Base64 characters per token: the densest speech that anyone bills (32 tokens a second, 16 kbit/s). */
const base64PerToken = 64;
/** Base64 characters per token of a document: about 3,000 tokens for a page of 12 kB. */
const base64PerDocumentToken = 5;
const longText = 2_048;
/** Tokens of the largest image that a model makes. */
const tokensPerMadeImage = 8_000;
/** Wire overhead of roles and templates; and of tools, for which providers add instructions of their own. */
const fixedTokens = 64;
const toolTokens = 1_000;
/** Of an upload whose length the client does not say. */
const unknownSize = 25_000_000;
/** Bytes per second of the smallest usual speech file. */
const speechBytesPerSecond = 2_000;

/** Reads a request without changing it; a body is parsed as a whole only when it may hold media. */
export function estimate({ body }: GatewayRequest, operation: Operation, options: Estimates): Estimate {
  if (body.kind !== 'bytes' || !body.isJson) return ofUpload(body, operation, options);
  const members = membersOf(body.bytes);
  const choices = Math.max(
    1,
    ...choiceNames.map((name) => wholeNumber(members.get(name)) ?? 1),
    holderValue(members, 2) ?? 1,
  );
  const stated = limitOf(members);
  const text = (name: string): string | undefined => {
    const value = members.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const facts = {
    ...optional('serviceTier', text('service_tier')),
    ...optional('imageSize', text('size')),
    ...optional('imageQuality', text('quality')),
  };
  const inputTokens = inputOf(body.bytes, () => body.json(), options);
  if (operation.startsWith('images.')) {
    return { inputTokens, outputTokens: choices * tokensPerMadeImage, outputStated: true, images: choices, ...facts };
  }
  if (operation === 'audio.speech') {
    const characters = text('input')?.length ?? body.size;
    return { inputTokens, outputTokens: characters * 2, outputStated: true, characters, ...facts };
  }
  if (withoutOutput.has(operation)) return { inputTokens, outputTokens: 0, outputStated: true, ...facts };
  return {
    inputTokens,
    outputTokens: (stated ?? options.outputTokens) * choices,
    outputStated: stated !== undefined,
    ...facts,
  };
}

/** A form or raw bytes: images to edit, speech to write down, or a file to store. */
function ofUpload(body: Body, operation: Operation, options: Estimates): Estimate {
  const size = body.size ?? unknownSize;
  if (operation.startsWith('images.')) {
    const form = formFields(body);
    const images = wholeNumber(Number(form.get('n'))) ?? 1;
    return {
      inputTokens: options.image * 4,
      outputTokens: images * tokensPerMadeImage,
      outputStated: true,
      images,
      ...optional('imageSize', form.get('size')),
      ...optional('imageQuality', form.get('quality')),
    };
  }
  if (operation.startsWith('audio.')) {
    const audioSeconds = Math.ceil(size / speechBytesPerSecond);
    const inputTokens = Math.ceil(size / base64PerToken);
    return { inputTokens, outputTokens: audioSeconds * 8, outputStated: true, audioSeconds };
  }
  if (withoutOutput.has(operation) || operation === 'resources' || size === 0) {
    return { inputTokens: 0, outputTokens: 0, outputStated: true };
  }
  const inputTokens = Math.ceil(size / options.bytesPerToken);
  return { inputTokens, outputTokens: options.outputTokens, outputStated: false };
}

function formFields(body: Body): Map<string, string> {
  const boundary = multipartBoundary(body.contentType);
  const bytes = body.kind === 'bytes' ? body.bytes : body.kind === 'stream' ? body.head : undefined;
  if (boundary === undefined || bytes === undefined) return new Map();
  const fields = readMultipartField(bytes, boundary, ['n', 'size', 'quality']);
  return new Map(fields.map(({ name, value }) => [name, value]));
}

function inputOf(bytes: Buffer, json: () => JsonObject, options: Estimates): number {
  const fixed = fixedTokens + (bytes.includes('"tools"') ? toolTokens : 0);
  if (!mediaSigns.some((sign) => bytes.includes(sign))) return fixed + Math.ceil(bytes.length / options.bytesPerToken);
  const media = { bytes: 0, tokens: 0 };
  measureMedia(json(), '', media, options);
  return fixed + media.tokens + Math.ceil(Math.max(bytes.length - media.bytes, 0) / options.bytesPerToken);
}

/** Finds media in a request of any dialect by the shape of their values. */
function measureMedia(
  value: JsonValue | undefined,
  kind: string,
  found: { bytes: number; tokens: number },
  options: Estimates,
): void {
  if (typeof value === 'string') {
    const inline = value.length > longText && !value.includes(' ', 64);
    if (inline) {
      found.bytes += value.length;
      found.tokens += /image/.test(kind + value.slice(0, 32))
        ? options.image
        : Math.ceil(
            value.length /
              (/pdf|document|file/.test(kind + value.slice(0, 32)) ? base64PerDocumentToken : base64PerToken),
          );
    }
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) measureMedia(item, kind, found, options);
    return;
  }
  if (!isObject(value)) return;
  const type = [kind, value['type'], value['media_type'], value['mimeType'], value['mime_type'], value['format']]
    .filter((word) => typeof word === 'string')
    .join(' ');
  for (const [name, member] of Object.entries(value)) {
    if (isReference(name, member)) found.tokens += /image/.test(`${type} ${name}`) ? options.image : options.file;
    else
      measureMedia(
        member,
        /^(image|input_image|file|document|input_audio|audio|video|inline)/i.test(name) ? `${type} ${name}` : type,
        found,
        options,
      );
  }
}

/** Media that stay outside the request: a URL or the id of a stored file. */
function isReference(name: string, value: JsonValue | undefined): boolean {
  if (typeof value !== 'string') return false;
  if (name === 'file_id' || name === 'fileUri' || name === 'file_uri' || name === 'file_url') return true;
  return (name === 'url' || name === 'image_url') && /^(https?|gs|s3):/.test(value);
}

function membersOf(bytes: Buffer): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, member] of scanTopLevel(bytes, names).members) {
    if (name !== 'input' || member.end - member.start < longText * 8) values.set(name, readValue(bytes, member));
  }
  return values;
}

function limitOf(members: ReadonlyMap<string, unknown>): number | undefined {
  for (const name of limitNames) {
    const limit = wholeNumber(members.get(name));
    if (limit !== undefined) return limit;
  }
  return holderValue(members, 1);
}

function holderValue(members: ReadonlyMap<string, unknown>, place: 1 | 2): number | undefined {
  for (const holder of limitHolders) {
    const value = members.get(holder[0]);
    if (!isObject(value)) continue;
    for (const name of holder[place]) {
      const limit = wholeNumber(value[name]);
      if (limit !== undefined) return limit;
    }
  }
  return undefined;
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 && value < 1e9 ? Math.ceil(value) : undefined;
}

function optional<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
