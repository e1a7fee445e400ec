import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { DialectMeter, EventReading, FramedEvent, UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';
import { beginsWithKey, lastObject, lastString, sumOf } from '../scan.ts';
import { problemOf, statusOf } from './errors.ts';
import { decodeUsage } from './usage.ts';

/**
 * Finds usage by its bytes and parses that object alone. Besides chat it knows embeddings (`usageMetadata` too),
 * countTokens (`totalTokens`) and `:predict` (`token_count` of each prediction).
 */
export const googleMeter: DialectMeter = {
  json(bytes) {
    if (beginsWithKey(bytes, 'error')) return present({ problem: problemIn(bytes) });
    return present({
      usage: usageIn(bytes),
      finish: lastString(bytes, 'finishReason'),
      model: lastString(bytes, 'modelVersion'),
    });
  },
  stream: () => readEvent,
  message: usageOfTurn,
};

/** Live sessions count what was answered under another name. */
function usageOfTurn(bytes: Buffer): Usage | undefined {
  const text = lastObject(bytes, 'usageMetadata');
  const metadata = text === undefined ? undefined : parse(text);
  if (metadata === undefined) return undefined;
  const { responseTokenCount: answered, responseTokensDetails: details, ...rest } = metadata;
  return decodeUsage(present({ candidatesTokenCount: answered, candidatesTokensDetails: details, ...rest }));
}

function usageIn(bytes: Buffer): Usage | undefined {
  const text = lastObject(bytes, 'usageMetadata');
  const metadata = text === undefined ? undefined : parse(text);
  if (metadata !== undefined) return decodeUsage(metadata);
  const counted = sumOf(bytes, 'totalTokens') ?? sumOf(bytes, 'token_count') ?? sumOf(bytes, 'tokenCount');
  return counted === undefined ? undefined : { input: counted, output: 0 };
}

/** Chunks are small, so parsing one costs less than searching it. Each repeats the usage so far: no state is needed. */
function readEvent({ data }: FramedEvent): EventReading {
  const chunk = parse(data);
  if (chunk === undefined) return { kind: 'preamble' };
  if (chunk['error'] !== undefined) return { kind: 'error', problem: problemOf(chunk, statusOf(chunk)) };
  const { usageMetadata, candidates, promptFeedback } = chunk;
  const list = Array.isArray(candidates) ? candidates.filter(isObject) : [];
  const finish = list.map((candidate) => candidate['finishReason']).find((word) => typeof word === 'string');
  const blocked = isObject(promptFeedback) && promptFeedback['blockReason'] !== undefined;
  return present({
    kind: finish !== undefined || blocked ? 'done' : list.some(hasContent) ? 'content' : 'preamble',
    usage: isObject(usageMetadata) ? decodeUsage(usageMetadata) : undefined,
    finish: typeof finish === 'string' ? finish : undefined,
  } as const);
}

/** A part that is more than empty text. */
function hasContent({ content }: JsonObject): boolean {
  const parts = isObject(content) && Array.isArray(content['parts']) ? content['parts'] : [];
  return parts.some((part) => isObject(part) && part['text'] !== '');
}

function problemIn(bytes: Buffer): UpstreamProblem | undefined {
  const value = parse(bytes.toString());
  return value === undefined ? undefined : problemOf(value, statusOf(value));
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    const first = Array.isArray(value) ? value[0] : value;
    return isObject(first) ? first : undefined;
  } catch {
    return undefined;
  }
}
