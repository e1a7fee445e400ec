import type { Carrier } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/** A REQ_INVALID that names the field at fault. */
export function invalidField(path: string, expected: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason: `${path || 'The body'} must be ${expected}.` }, { param: path });
}

/** A REQ_INVALID for content that this target cannot take, although another might. */
export function unsupportedContent(path: string, reason: string): GatewayError {
  return new GatewayError('REQ_INVALID', { reason: `${path}: ${reason}.` }, { param: path, retry: 'next-target' });
}

/*
 * Readers of one typed field. A missing field and `null` are both `undefined`; any other wrong type is a REQ_INVALID.
 * `at` is the path of the object with its trailing dot, or '' at the root.
 */

export function readString(object: JsonObject, key: string, at: string): string | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalidField(at + key, 'a string');
}

export function readNumber(object: JsonObject, key: string, at: string): number | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || typeof value === 'number') return value;
  throw invalidField(at + key, 'a number');
}

export function readBoolean(object: JsonObject, key: string, at: string): boolean | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalidField(at + key, 'a boolean');
}

export function readObject(object: JsonObject, key: string, at: string): JsonObject | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || isObject(value)) return value;
  throw invalidField(at + key, 'an object');
}

export function readArray(object: JsonObject, key: string, at: string): JsonValue[] | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || Array.isArray(value)) return value;
  throw invalidField(at + key, 'an array');
}

export function readStrings(object: JsonObject, key: string, at: string): string[] | undefined {
  const list = readArray(object, key, at);
  if (list?.some((entry) => typeof entry !== 'string')) throw invalidField(at + key, 'an array of strings');
  return list as string[] | undefined;
}

export function asObject(value: JsonValue | undefined, path: string): JsonObject {
  if (isObject(value)) return value;
  throw invalidField(path, 'an object');
}

export function required<T>(value: T | undefined, path: string, expected: string): T {
  if (value === undefined) throw invalidField(path, expected);
  return value;
}

/** The fields of `object` that are not in `known`, and known ones that are `null`; `undefined` when there are none. */
export function unknownFields(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let rest: JsonObject | undefined;
  for (const key in object) {
    if (known.has(key) && object[key] !== null) continue;
    rest ??= {};
    rest[key] = object[key];
  }
  return rest;
}

/**
 * The carrier fragment for what a dialect alone knows. Keys that begin with `$` are not wire fields but remember which
 * of several equal spellings was read (`$content: 'string'`): no other dialect loses anything by them.
 */
export function carrying(dialect: string, fields: JsonObject | undefined, spelling?: JsonObject): Carrier {
  if (fields === undefined && spelling === undefined) return {};
  return { carry: { [dialect]: { ...fields, ...spelling } } };
}

/** The wire fields carried for a dialect, without the spellings. */
export function carriedFields(carrier: Carrier, dialect: string): JsonObject {
  const carried = carrier.carry?.[dialect];
  if (carried === undefined) return {};
  const fields: JsonObject = {};
  for (const key in carried) if (!key.startsWith('$')) fields[key] = carried[key];
  return fields;
}

/** A spelling remembered for a dialect, by its `$` name. */
export function spellingOf(carrier: Carrier, dialect: string, name: string): JsonValue | undefined {
  return carrier.carry?.[dialect]?.[name];
}
