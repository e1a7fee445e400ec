import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { FramedEvent, UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';
import { problemOf } from './problem.ts';

/** The failure that a stream event reports at its top level, whatever the provider's shape. */
export function eventProblem(event: FramedEvent, data: JsonValue): UpstreamProblem | undefined {
  if (isObject(data) && data['error']) return problemOf(data, undefined);
  if (event.name !== 'error' && !(isObject(data) && data['type'] === 'error')) return undefined;
  // The responses format puts message and code beside the event's own type.
  const { type: _, ...flat } = isObject(data) ? data : {};
  return problemOf(flat, undefined) ?? { status: 502, message: event.data };
}

/** UP_STREAM_ERROR with the status, type and code of the provider's own report. */
export function streamError(problem: UpstreamProblem): GatewayError<'UP_STREAM_ERROR'> {
  const { status, type, param, code, message } = problem;
  return new GatewayError('UP_STREAM_ERROR', { message }, present({ status, type, param, openaiCode: code }));
}

/** The payload of an event as an object. Throws UP_BAD_BODY when it is none. */
export function parseEvent(event: FramedEvent): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(event.data) as JsonValue;
  } catch (cause) {
    throw new GatewayError(
      'UP_BAD_BODY',
      { provider: 'The provider', reason: 'a stream event is not JSON' },
      { cause },
    );
  }
  const problem = eventProblem(event, value);
  if (problem !== undefined) throw streamError(problem);
  if (isObject(value)) return value;
  throw new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason: 'a stream event is not an object' });
}
