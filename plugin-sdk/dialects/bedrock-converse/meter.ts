import { isObject, type JsonValue } from '../../json.ts';
import { topLevelValue } from '../anthropic-messages/top-level-value.ts';
import type { DialectMeter, EventReading, FramedEvent } from '../dialect.ts';
import { present } from '../present.ts';
import { streamProblem } from './errors.ts';
import { decodeUsage } from './usage.ts';

export const meter: DialectMeter = {
  json(bytes) {
    const usage = topLevelValue(bytes, 'usage');
    if (!isObject(usage)) return readWhole(bytes);
    return present({ usage: decodeUsage(usage), finish: textOf(topLevelValue(bytes, 'stopReason')) });
  },
  stream: readStream,
  terminator: 'metadata',
};

/** Errors, token counts, and bodies that put their usage in an unusual place. */
function readWhole(bytes: Buffer): ReturnType<DialectMeter['json']> {
  const body = parse(bytes.toString());
  if (!isObject(body)) return {};
  const counted = typeof body.inputTokens === 'number' ? body : body.usage;
  return present({ usage: isObject(counted) ? decodeUsage(counted) : undefined, finish: textOf(body.stopReason) });
}

function readStream(): (event: FramedEvent) => EventReading {
  return ({ name, data, exception }) => {
    if (exception || name?.endsWith('Exception')) return { kind: 'error', problem: streamProblem(name, data) };
    switch (name) {
      case 'contentBlockDelta':
      case 'contentBlockStop':
        return content;
      case 'messageStop': {
        const event = parse(data);
        return { kind: 'content', ...present({ finish: isObject(event) ? textOf(event.stopReason) : undefined }) };
      }
      case 'metadata': {
        const event = parse(data);
        return {
          kind: 'done',
          ...present({ usage: isObject(event) && isObject(event.usage) ? decodeUsage(event.usage) : undefined }),
        };
      }
      default:
        return preamble;
    }
  };
}

const content: EventReading = { kind: 'content' };
const preamble: EventReading = { kind: 'preamble' };

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
