import { z } from 'zod';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import type { Path } from './path.ts';

/** The JSON Schema of what a zod schema accepts; of a JSON Schema, itself. An unknown kind accepts anything. */
export function toJsonSchema(schema: unknown): JsonObject {
  if (!isZod(schema)) return isObject(schema) && !('safeParse' in schema) ? schema : {};
  const options = { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' } as const;
  const { $schema: _, '~standard': __, ...json } = z.toJSONSchema(schema, options) as unknown as JsonObject;
  return json;
}

export function isZod(schema: unknown): schema is z.ZodType {
  return typeof schema === 'object' && schema !== null && '_zod' in schema;
}

/** Whether a JSON Schema leaves keys that it does not name undecided at its top; the config then refuses them. */
export function isUndecided(schema: JsonObject): boolean {
  const deciding = [
    'additionalProperties',
    'unevaluatedProperties',
    'patternProperties',
    'allOf',
    'anyOf',
    'oneOf',
    '$ref',
    'if',
  ];
  return isObject(schema['properties']) && !deciding.some((keyword) => keyword in schema);
}

/** The keys that a JSON Schema names for the object at a path, whichever of its alternatives applies. */
export function knownKeys(schema: JsonObject, path: Path): string[] {
  let places = expand(schema, schema);
  for (const segment of path)
    places = places.flatMap((place) => step(place, segment)).flatMap((it) => expand(it, schema));
  return [
    ...new Set(places.flatMap((place) => (isObject(place['properties']) ? Object.keys(place['properties']) : []))),
  ];
}

function step(schema: JsonObject, segment: string | number): JsonObject[] {
  const { properties, additionalProperties, items, prefixItems } = schema;
  const named = isObject(properties) && Object.hasOwn(properties, segment) ? properties[segment] : additionalProperties;
  const next =
    typeof segment === 'string' ? named : Array.isArray(prefixItems) ? (prefixItems[segment] ?? items) : items;
  return isObject(next) ? [next] : [];
}

/** A schema with the alternatives and definitions it points to; `depth` ends definitions that go in circles. */
function expand(schema: JsonObject, root: JsonObject, depth = 0): JsonObject[] {
  if (depth > 8) return [];
  const alternatives = [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  const target = typeof schema['$ref'] === 'string' ? resolveRef(schema['$ref'], root) : undefined;
  return [schema, ...[...alternatives, target].filter(isObject).flatMap((it) => expand(it, root, depth + 1))];
}

function resolveRef(ref: string, root: JsonObject): unknown {
  if (!ref.startsWith('#')) return undefined;
  const names = decodeURIComponent(ref.slice(1)).split('/').slice(1);
  let place: unknown = root;
  for (const name of names)
    place = isObject(place) ? place[name.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return place;
}
