import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { DialectMeter, EventReading, FramedEvent } from '../dialect.ts';
import { present } from '../present.ts';
import { lastObject, lastString } from '../scan.ts';
import { problemOf, streamError } from './errors.ts';
import { decodeUsage } from './usage.ts';

/** Chat has its counts in `usage`; embeddings and rerank have theirs in `meta`. */
export const cohereMeter: DialectMeter = {
  json(bytes) {
    const usage = parse(lastObject(bytes, 'usage') ?? lastObject(bytes, 'meta'));
    if (usage === undefined && bytes.length < 10_000) {
      const { message } = parse(bytes.toString()) ?? {};
      if (typeof message === 'string') return { problem: problemOf(bytes.toString(), 500) };
    }
    const counted = isObject(usage?.['billed_units']) || isObject(usage?.['tokens']);
    return present({
      usage: usage !== undefined && counted ? decodeUsage(usage) : undefined,
      finish: lastString(bytes, 'finish_reason'),
    });
  },
  stream: () => readEvent,
};

const contentTypes = new Set(['content-delta', 'tool-plan-delta', 'tool-call-start', 'tool-call-delta']);

/** The type is in the event's name; only the last event holds usage. */
function readEvent({ name, data }: FramedEvent): EventReading {
  const type = name ?? String(parse(data)?.['type']);
  if (type !== 'message-end') return { kind: contentTypes.has(type) ? 'content' : 'preamble' };
  const { delta } = parse(data) ?? {};
  const { error, usage, finish_reason: finish } = isObject(delta) ? delta : {};
  const failure = streamError(present({ error }));
  if (failure !== undefined) return { kind: 'error', problem: { status: failure.status, message: failure.message } };
  return present({
    kind: 'done' as const,
    usage: isObject(usage) ? decodeUsage(usage) : undefined,
    finish: typeof finish === 'string' ? finish : undefined,
  });
}

function parse(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
