import { type FlatHeaders, isObject, type JsonObject } from '../plugin-sdk/index.ts';
import { loadOnUse } from '../plugin-sdk/load-on-use.ts';
import { badInValue, token } from './header-lines.ts';
import { SeenReply } from './seen-reply.ts';
import type { Timed } from './tap.ts';

const shapes = loadOnUse<typeof import('./answer-shape.ts')>(import.meta.url, './answer-shape');

// What is wrong with the value that a handler gave, if anything: what types catch in TypeScript, JavaScript gets wrong, and
// unchecked it would break far from the plugin that made it.

export function replyFault(value: unknown, { dialect }: Timed): string | undefined {
  if (!isObject(value)) return 'expected a reply with a status, headers and a body';
  const { status, headers, body } = value;
  return statusFault(status) ?? headersFault(headers) ?? bodyFault(body as JsonObject, dialect.chat !== undefined);
}

function bodyFault(body: unknown, isChat: boolean): string | undefined {
  if (!isObject(body)) return 'the body of a reply must be an object';
  const { type, bytes, flow, events, answer } = body as Record<string, unknown>;
  switch (type) {
    case 'none':
      return undefined;
    case 'bytes':
      return typeof bytes === 'string' || Buffer.isBuffer(bytes) ? undefined : 'bytes must be a Buffer or a string';
    case 'flow':
      return flowFault('flow', flow);
    case 'events':
      return isChat ? flowFault('events', events) : 'only a call of chat can be answered with events';
    case 'answer':
      return isChat ? shapes().answerFault(answer) : 'only a call of chat can be answered with an answer';
    default:
      return `there is no body of type ${String(type)}`;
  }
}

function flowFault(name: string, flow: unknown): string | undefined {
  const { start, resume, abort } = (flow ?? {}) as Record<string, unknown>;
  const isFlow = typeof start === 'function' && typeof resume === 'function' && typeof abort === 'function';
  return isFlow ? undefined : `${name} needs the functions start, resume and abort`;
}

export function headersFault(headers: unknown): string | undefined {
  if (!Array.isArray(headers) || headers.length % 2 !== 0) return 'headers must be a list of names and values in turn';
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i], headers[i + 1]] as FlatHeaders;
    if (typeof name !== 'string' || !token.test(name)) return `${String(name)} is no name of a header`;
    if (typeof value !== 'string') return `the header ${name} has a value that is no string`;
    if (badInValue.test(value)) return `the header ${name} holds a character that HTTP does not allow`;
  }
  return undefined;
}

function statusFault(status: unknown): string | undefined {
  const isStatus = Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
  return isStatus ? undefined : 'the status of a reply must be a whole number from 200 to 599';
}

export function requestFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'expected a request';
  const { method, path, query, headers, body } = value as Record<string, unknown>;
  const isRequest = typeof method === 'string' && typeof path === 'string' && typeof query === 'string';
  const isReadable = typeof (headers as { get?: unknown })?.get === 'function' && (body as { kind?: unknown })?.kind;
  return isRequest && isReadable ? undefined : 'expected a request, such as request.with({ path }) gives';
}

export function keyFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'expected a key with name, value and settings';
  const { name, value: secret, settings } = value as Record<string, unknown>;
  if (typeof name !== 'string' || !isObject(settings)) return 'expected a key with name, value and settings';
  // A plugin may bring its own copy of the class.
  const isSecret = secret === undefined || typeof (secret as { prefixed?: unknown })?.prefixed === 'function';
  return isSecret ? undefined : "a key's value must be a Secret";
}

export function jsonReplyFault(value: unknown): string | undefined {
  // Its members are made when they are looked at.
  if (value instanceof SeenReply) return undefined;
  if (!isObject(value)) return 'expected a reply with status and json';
  const { status, json, answer } = value as Record<string, unknown>;
  if (!isObject(json)) return 'the json of a reply must be an object';
  return statusFault(status) ?? (answer === undefined ? undefined : shapes().answerFault(answer));
}
