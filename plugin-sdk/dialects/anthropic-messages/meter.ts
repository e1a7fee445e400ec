import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { DialectMeter, EventReading, FramedEvent } from '../dialect.ts';
import { present } from '../present.ts';
import { problemOf } from './errors.ts';
import { topLevelValue } from './top-level-value.ts';
import { decodeUsage } from './usage.ts';

const modelWithin = 512;

export const meter: DialectMeter = {
  json(bytes) {
    const usage = topLevelValue(bytes, 'usage');
    if (!isObject(usage)) return readWhole(bytes);
    return present({
      usage: decodeUsage(usage),
      finish: textOf(topLevelValue(bytes, 'stop_reason')),
      model: modelOf(bytes),
    });
  },
  stream: readStream,
  terminator: 'message_stop',
};

/** Errors and bodies that put their usage in an unusual place. */
function readWhole(bytes: Buffer): ReturnType<DialectMeter['json']> {
  const body = parse(bytes.toString());
  if (!isObject(body)) return {};
  if (body.type === 'error' || isObject(body.error)) return { problem: problemOf(body) };
  // count_tokens answers with this alone.
  const counted = typeof body.input_tokens === 'number' ? body : body.usage;
  return present({
    usage: isObject(counted) ? decodeUsage(counted) : undefined,
    finish: textOf(body.stop_reason),
    model: textOf(body.model),
  });
}

/** `model` usually stands first; only there can it not be a key of somebody's tool input. */
function modelOf(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, modelWithin);
  const found = /^\s*\{(?:\s*"(?:id|type|role)"\s*:\s*"[^"\\]*"\s*,)*\s*"model"\s*:\s*"([^"\\]*)"/.exec(head);
  return found?.[1] ?? textOf(topLevelValue(bytes, 'model'));
}

function readStream(): (event: FramedEvent) => EventReading {
  let usage: JsonObject = {};
  const add = (more: JsonValue | undefined): void => {
    if (!isObject(more)) return;
    const merged = { ...usage };
    for (const key in more) if (more[key] !== null) merged[key] = more[key];
    usage = merged;
  };
  return ({ name, data }) => {
    switch (name ?? typeOf(data)) {
      case 'content_block_delta':
      case 'content_block_stop':
        return content;
      case 'message_start': {
        const event = parse(data);
        if (isObject(event) && isObject(event.message)) add(event.message.usage);
        return { kind: 'preamble', usage: decodeUsage(usage) };
      }
      case 'message_delta': {
        const event = parse(data);
        if (!isObject(event)) return content;
        add(event.usage);
        return {
          kind: 'content',
          usage: decodeUsage(usage),
          ...present({ finish: isObject(event.delta) ? textOf(event.delta.stop_reason) : undefined }),
        };
      }
      case 'message_stop':
        return done;
      case 'error': {
        const event = parse(data);
        return { kind: 'error', problem: isObject(event) ? problemOf(event) : { status: 500, message: data } };
      }
      default:
        return preamble;
    }
  };
}

const content: EventReading = { kind: 'content' };
const preamble: EventReading = { kind: 'preamble' };
const done: EventReading = { kind: 'done' };

/** The event's type out of its data, for framings without names. */
function typeOf(data: string): string | undefined {
  return /"type"\s*:\s*"(\w+)"/.exec(data)?.[1];
}

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
