import { type Body, type BytesBody, type GatewayRequest, isObject, type Operation } from '../../plugin-sdk/index.ts';
import { multipartBoundary, readMultipartField } from '../../plugin-sdk/json-bytes/index.ts';
import { estimateInput, inputNames } from './estimate-input.ts';
import type { Estimates } from './options.ts';

/** The most a call can use. */
export interface Estimate {
  readonly inputTokens: number;
  /** True: a context window is no bound of the input. */
  readonly inputUnbounded?: boolean;
  /** Over all answers. */
  readonly outputTokens: number;
  /** False when `outputTokens` is assumed, since the request states no limit: the model's own maximum holds. */
  readonly outputStated: boolean;
  /** Answers that are wanted; each may be as long as the limit. */
  readonly choices: number;
  readonly images?: number;
  readonly characters?: number;
  readonly audioSeconds?: number;
  readonly serviceTier?: string | undefined;
  readonly imageSize?: string | undefined;
  readonly imageQuality?: string | undefined;
}

/** Where the dialects state the limit of one answer: at the top, or in an object there. */
export const limitNames = ['max_completion_tokens', 'max_output_tokens', 'max_tokens', 'max_tokens_to_sample'] as const;
const limitHolders = [
  ['generationConfig', ['maxOutputTokens', 'max_output_tokens'], ['candidateCount']],
  ['generation_config', ['max_output_tokens', 'maxOutputTokens'], ['candidate_count']],
  ['inferenceConfig', ['maxTokens'], []],
  ['options', ['num_predict'], []],
] as const;
const choiceNames = ['n', 'best_of'] as const;
const factNames = ['service_tier', 'size', 'quality', 'input'] as const;
const names: ReadonlySet<string> = new Set([
  ...limitNames,
  ...limitHolders.map(([name]) => name),
  ...choiceNames,
  ...factNames,
  ...inputNames,
]);

/** Members that may hold a whole text. */
const longNames: ReadonlySet<string> = new Set(['input', 'prompt']);

const withoutOutput: ReadonlySet<Operation> = new Set([
  'embeddings',
  'moderations',
  'rerank',
  'count_tokens',
  'models',
  'files',
  'batches',
]);

/** Calls that rarely make text, and in no format that has a limit for it. */
const rarelyOutput: ReadonlySet<Operation> = new Set(['resources', 'videos', 'realtime']);

/** Calls carried to paths that no route knows, and that make no text. */
const pathsWithoutOutput =
  /\/(embeddings|embed|moderations|rerank)$|:(batchEmbedContents|embedContent)$|\/(files|uploads|vector_stores|fine_tuning)(\/|$)/;
/** Longest text to speak that is read for its length. */
const longestRead = 16_384;
/** Tokens of the largest image that a model makes. */
const tokensPerMadeImage = 8_000;
/** Bytes per token of sound that is uploaded as it is. */
const uploadedBytesPerToken = 64;
/** Of an upload whose length the client does not say. */
const unknownSize = 25_000_000;
/** Bytes per second of the smallest usual speech file. */
const speechBytesPerSecond = 2_000;

/** Reads a request without changing it; a body is parsed as a whole only when it may hold media. */
export function estimate({ body, path }: GatewayRequest, operation: Operation, options: Estimates): Estimate {
  if (body.kind !== 'bytes' || !body.isJson) return ofUpload(body, operation, options);
  const members = membersOf(body);
  const choices = choicesOf(members);
  const stated = limitOf(members);
  const text = (name: string): string | undefined => {
    const value = members.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const input = estimateInput(body, members, options);
  const facts = {
    inputTokens: input.tokens,
    serviceTier: text('service_tier'),
    imageSize: text('size'),
    imageQuality: text('quality'),
  };
  if (operation.startsWith('images.')) {
    return { ...facts, outputTokens: choices * tokensPerMadeImage, outputStated: true, choices, images: choices };
  }
  if (operation === 'audio.speech') {
    const characters = text('input')?.length ?? body.size;
    return { ...facts, outputTokens: characters * 2, outputStated: true, choices: 1, characters };
  }
  if (withoutOutput.has(operation) || (operation === 'passthrough' && pathsWithoutOutput.test(path))) {
    return { ...facts, outputTokens: 0, outputStated: true, choices: 1 };
  }
  if (rarelyOutput.has(operation)) {
    return { ...facts, outputTokens: options.outputTokens, outputStated: true, choices: 1 };
  }
  return {
    ...facts,
    inputUnbounded: input.unbounded,
    outputTokens: (stated ?? options.maxOutputTokens) * choices,
    outputStated: stated !== undefined,
    choices,
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
      choices: images,
      images,
      imageSize: form.get('size'),
      imageQuality: form.get('quality'),
    };
  }
  if (operation.startsWith('audio.')) {
    const audioSeconds = Math.ceil(size / speechBytesPerSecond);
    const inputTokens = Math.ceil(size / uploadedBytesPerToken);
    return { inputTokens, outputTokens: audioSeconds * 8, outputStated: true, choices: 1, audioSeconds };
  }
  if (withoutOutput.has(operation) || operation === 'resources' || size === 0) {
    return { inputTokens: 0, outputTokens: 0, outputStated: true, choices: 1 };
  }
  const inputTokens = Math.ceil(size / options.bytesPerToken);
  return { inputTokens, outputTokens: options.maxOutputTokens, outputStated: false, choices: 1 };
}

function formFields(body: Body): Map<string, string> {
  const boundary = multipartBoundary(body.contentType);
  const bytes = body.kind === 'bytes' ? body.bytes : body.kind === 'stream' ? body.head : undefined;
  if (boundary === undefined || bytes === undefined) return new Map();
  const fields = readMultipartField(bytes, boundary, ['n', 'size', 'quality']);
  return new Map(fields.map(({ name, value }) => [name, value]));
}

function membersOf(body: BytesBody): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, member] of body.topLevel.members) {
    if (!names.has(name)) continue;
    if (!longNames.has(name) || member.end - member.start <= longestRead) values.set(name, body.valueAt(member));
  }
  return values;
}

/** The largest number that any of its members says. */
function choicesOf(members: ReadonlyMap<string, unknown>): number {
  let most = holderValue(members, 2) ?? 1;
  for (const name of choiceNames) most = Math.max(most, wholeNumber(members.get(name)) ?? 1);
  return most;
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
