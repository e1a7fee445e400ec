import { isObject, type JsonValue } from '../../json.ts';
import type { FramedEvent } from '../dialect.ts';
import { present } from '../present.ts';

export function isException({ name, exception }: FramedEvent): boolean {
  return exception === true || name?.endsWith('Exception') === true;
}

/** The event of Anthropic's that a `chunk` frame holds as base64; one without data of any other frame. */
export function unwrapped({ name: frame, data: payload }: FramedEvent): FramedEvent {
  if (frame !== 'chunk') return { data: '' };
  const value: JsonValue = JSON.parse(payload);
  const data = isObject(value) ? Buffer.from(String(value['bytes'] ?? ''), 'base64').toString() : '';
  return { data, ...present({ name: /^\{"type":"(\w+)"/.exec(data)?.[1] }) };
}
