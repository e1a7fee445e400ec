import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';

const deepest = 12;

const formats: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  duration: 'PT1S',
  email: 'mock@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/** The smallest sensible value that a JSON Schema accepts; `text` fills free strings. Local references are followed. */
export function fromSchema(schema: JsonObject, text: string): JsonValue {
  return valueFor(schema, schema, text, 0);
}

function valueFor(schema: JsonValue | undefined, root: JsonObject, text: string, depth: number): JsonValue {
  if (!isObject(schema) || depth > deepest) return null;
  if (schema['const'] !== undefined) return schema['const'];
  if (schema['default'] !== undefined) return schema['default'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0] ?? null;
  const reference = schema['$ref'];
  if (typeof reference === 'string') return valueFor(resolve(reference, root), root, text, depth + 1);
  const merged = Array.isArray(schema['allOf']) ? merge(schema, schema['allOf'], root) : schema;
  const choices = merged['anyOf'] ?? merged['oneOf'];
  if (Array.isArray(choices)) return valueFor(choices[0], root, text, depth + 1);
  switch (typeOf(merged)) {
    case 'object':
      return objectOf(merged, root, text, depth);
    case 'array':
      return arrayOf(merged, root, text, depth);
    case 'integer':
    case 'number':
      return numberOf(merged);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return stringOf(merged, text);
  }
}

function typeOf(schema: JsonObject): JsonValue | undefined {
  const { type } = schema;
  if (Array.isArray(type)) return type.find((one) => one !== 'null');
  return type ?? (isObject(schema['properties']) ? 'object' : schema['items'] === undefined ? 'string' : 'array');
}

/** Objects get their required members, or all where none is marked. */
function objectOf(schema: JsonObject, root: JsonObject, text: string, depth: number): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : Object.keys(properties);
  return Object.fromEntries(required.map((name) => [name, valueFor(properties[name] ?? {}, root, text, depth + 1)]));
}

function arrayOf(schema: JsonObject, root: JsonObject, text: string, depth: number): JsonValue[] {
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 1;
  const prefix = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
  const length = Math.max(least, prefix.length);
  return Array.from({ length }, (_, i) => valueFor(prefix[i] ?? schema['items'] ?? {}, root, text, depth + 1));
}

/** One, or the nearest number that the bounds allow. */
function numberOf(schema: JsonObject): number {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf } = schema;
  const step = typeof multipleOf === 'number' ? multipleOf : 1;
  if (typeof minimum === 'number' && step < minimum) return Math.ceil(minimum / step) * step;
  if (typeof exclusiveMinimum === 'number' && step <= exclusiveMinimum) {
    return (Math.floor(exclusiveMinimum / step) + 1) * step;
  }
  if (typeof maximum === 'number' && step > maximum) return Math.floor(maximum / step) * step;
  if (typeof exclusiveMaximum === 'number' && step >= exclusiveMaximum) {
    return (Math.ceil(exclusiveMaximum / step) - 1) * step;
  }
  return step;
}

function stringOf(schema: JsonObject, text: string): string {
  const { format, minLength, maxLength } = schema;
  const value = typeof format === 'string' ? (formats[format] ?? text) : text;
  const long = typeof minLength === 'number' ? value.padEnd(minLength, '.') : value;
  return typeof maxLength === 'number' ? long.slice(0, maxLength) : long;
}

function merge(schema: JsonObject, parts: readonly JsonValue[], root: JsonObject): JsonObject {
  const { allOf: _, ...merged } = schema;
  for (const part of parts) {
    const resolved = isObject(part) && typeof part['$ref'] === 'string' ? resolve(part['$ref'], root) : part;
    if (!isObject(resolved)) continue;
    const properties = { ...membersOf(merged['properties']), ...membersOf(resolved['properties']) };
    const required = [...listOf(merged['required']), ...listOf(resolved['required'])];
    Object.assign(merged, resolved, { properties }, required.length === 0 ? {} : { required });
  }
  return merged;
}

function membersOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** `#/$defs/Name`, the only kind of reference that stands in a request. */
function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    if (step === '') continue;
    if (!isObject(value)) return undefined;
    value = value[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}
