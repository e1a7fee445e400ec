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
};

function usageIn(bytes: Buffer): Usage | undefined {
  const text = lastObject(bytes, 'usageMetadata');
  const metadata = text === undefined ? undefined : parse(text);
  if (metadata !== undefined) return decodeUsage(metadata);
  const counted = sumOf(bytes, 'totalTokens') ?? sumOf(bytes, 'token_count') ?? sumOf(bytes, 'tokenCount');
  return counted === undefined ? undefined : { input: counted, output: 0 };
}

/** Every chunk repeats the usage so far, so no state is needed between them. */
function readEvent({ data }: FramedEvent): EventReading {
  const bytes = Buffer.from(data);
  if (beginsWithKey(bytes, 'error')) return present({ kind: 'error' as const, problem: problemIn(bytes) });
  const text = lastObject(bytes, 'usageMetadata');
  const metadata = text === undefined ? undefined : parse(text);
  const usage = metadata && decodeUsage(metadata);
  const finish = data.includes('"finishReason"') ? lastString(bytes, 'finishReason') : undefined;
  const blocked = data.includes('"blockReason"');
  const kind = finish !== undefined || blocked ? 'done' : hasContent(data) ? 'content' : 'preamble';
  return present({ kind, usage, finish } as const);
}

/** A part that is more than empty text. The names of the others cannot be told from keys inside arguments, nor need they. */
const content =
  /"text"\s*:\s*"[^"]|"(functionCall|inlineData|fileData|executableCode|codeExecutionResult|toolCall|toolResponse)"\s*:/;

function hasContent(data: string): boolean {
  return content.test(data);
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
