import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { DialectMeter, EventReading, FramedEvent } from '../dialect.ts';
import { eventProblem } from '../openai/event-problem.ts';
import { OpenAIReading, stringOf } from '../openai/json-reading.ts';
import { problemOf } from '../openai/problem.ts';
import { usageInBytes } from '../openai/usage-in-bytes.ts';
import { present } from '../present.ts';

export const responsesMeter: DialectMeter = {
  json: (bytes) => new OpenAIReading(bytes, finishOf),
  stream: () => readEvent,
  terminator: 'response.completed',
  needles: [
    'response.completed',
    'response.incomplete',
    'response.failed',
    'response.cancelled',
    '"error"',
    'event: error',
    'event:error',
  ],
};

const detailsKey = Buffer.from('"incomplete_details"');
const reasonKey = Buffer.from('"reason"');

/** Why a response is incomplete, or `completed`. */
function finishOf(bytes: Buffer): string | undefined {
  const incomplete = bytes.indexOf(detailsKey);
  if (incomplete < 0) return undefined;
  const details = bytes.subarray(incomplete, incomplete + 200);
  if (!/^"incomplete_details"\s*:\s*\{/.test(details.toString())) return 'completed';
  return stringOf(details, reasonKey, 'first') ?? 'incomplete';
}

/** Events before anything a user would see; the rest but the last is content. */
const preamble =
  /^(?:response\.(?:created|queued|in_progress|output_item\.added|content_part\.added|reasoning_summary_part\.added)|keepalive)$/;
const typeField = /"type":\s*"([\w.]+)"/;

/** Reads one event by its name; only the last one and failures are looked into. */
function readEvent(event: FramedEvent): EventReading {
  const type = event.name ?? typeField.exec(event.data)?.[1] ?? '';
  if (preamble.test(type)) return { kind: 'preamble' };
  switch (type) {
    case 'response.completed':
    case 'response.incomplete':
    case 'response.cancelled': {
      const bytes = Buffer.from(event.data);
      const usage: Usage | undefined = usageInBytes(bytes, 2);
      const finish = type === 'response.completed' ? 'completed' : finishOf(bytes);
      return present({ kind: 'done' as const, usage, finish });
    }
    case 'response.failed': {
      const response = parse(event.data)['response'];
      const failed = isObject(response) ? response : {};
      const problem = problemOf({ error: failed['error'] ?? 'The provider ended the response as failed.' }, undefined)!;
      return present({ kind: 'error' as const, problem, usage: usageInBytes(Buffer.from(event.data), 2) });
    }
    case 'error': {
      const problem = eventProblem({ ...event, name: 'error' }, parse(event.data))!;
      return { kind: 'error', problem };
    }
    case '':
      return unnamed(event);
    default:
      return { kind: 'content' };
  }
}

/** Servers that are no OpenAI report failures without a type, and end with [DONE]. */
function unnamed(event: FramedEvent): EventReading {
  if (event.data === '[DONE]') return { kind: 'done' };
  const problem = eventProblem(event, parse(event.data));
  return problem === undefined ? { kind: 'preamble' } : { kind: 'error', problem };
}

function parse(data: string): JsonObject {
  try {
    const value = JSON.parse(data) as JsonValue;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
