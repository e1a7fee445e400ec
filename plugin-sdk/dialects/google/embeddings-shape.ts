import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { OperationShape } from '../dialect.ts';
import { camelCase } from '../gemini-generate-content/spelling.ts';
import { present } from '../present.ts';

const words: Readonly<Record<string, string>> = { dimensions: 'outputDimensionality', task_type: 'taskType' };
/** What all requests of a batch have in common where another provider answers it in one call. */
const shared = ['outputDimensionality', 'taskType'] as const;
const understood = new Set<string>(['model', 'content', ...shared]);

/** `:embedContent` and `:batchEmbedContents` of the Gemini API (`EmbedContentRequest` of its reference). */
export const embeddingsShape: OperationShape = {
  request(body, lost) {
    const requests = requestsOf(body);
    const [first] = requests;
    for (const [name, value] of shared.map((name) => [name, first!.fields[name] ?? undefined] as const)) {
      const other = requests.find(({ fields }) => (fields[name] ?? undefined) !== value);
      if (other !== undefined) throw invalid(`${other.at}${name}`, 'the same in all requests of a batch');
    }
    for (const { fields, at } of requests) {
      for (const name of Object.keys(fields)) if (!understood.has(name) && fields[name] !== null) lost(at + name);
    }
    const { outputDimensionality: dimensions, taskType: task_type } = first!.fields;
    return { input: requests.map(textOf), ...present({ dimensions, task_type }) };
  },
  reply({ data, usage }, body) {
    const embeddings = (Array.isArray(data) ? data.filter(isObject) : []).map(({ embedding }) => ({
      values: embedding!,
    }));
    const counted = isObject(usage) ? { usageMetadata: { promptTokenCount: Number(usage['prompt_tokens'] ?? 0) } } : {};
    return { ...(isBatch(body) ? { embeddings } : { embedding: embeddings[0]! }), ...counted };
  },
  word: (name) => words[name] ?? name,
};

interface EmbedRequest {
  readonly fields: JsonObject;
  /** Its path with the trailing dot, or '' where it is the body. */
  readonly at: string;
}

function isBatch(body: JsonObject): boolean {
  return body['requests'] !== undefined;
}

function requestsOf(body: JsonObject): EmbedRequest[] {
  if (!isBatch(body)) return [{ fields: camelCase(body, []), at: '' }];
  const { requests } = body;
  if (!Array.isArray(requests) || requests.length === 0) throw invalid('requests', 'a list of at least one request');
  return requests.map((fields, index) => {
    if (!isObject(fields)) throw invalid(`requests[${index}]`, 'an object');
    return { fields: camelCase(fields, []), at: `requests[${index}].` };
  });
}

function textOf({ fields, at }: EmbedRequest): string {
  const { content } = fields;
  const parts = isObject(content) ? content['parts'] : undefined;
  if (!Array.isArray(parts)) throw invalid(`${at}content.parts`, 'a list of parts');
  return parts.map((part, index) => partText(part, `${at}content.parts[${index}]`)).join('\n');
}

function partText(part: JsonValue, at: string): string {
  if (isObject(part) && typeof part['text'] === 'string') return part['text'];
  throw new GatewayError(
    'REQ_INVALID',
    { reason: `${at} must be text: this provider embeds nothing else.` },
    { param: at, retry: 'next-target' },
  );
}

function invalid(path: string, expected: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason: `${path} must be ${expected}.` }, { param: path });
}
