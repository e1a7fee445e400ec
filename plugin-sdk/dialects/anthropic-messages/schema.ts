import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

const kept = new Set([
  'type',
  'properties',
  'required',
  'items',
  'enum',
  'const',
  '$defs',
  '$ref',
  'anyOf',
  'allOf',
  'title',
  'description',
]);
const formats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']);
/** Grammar compilation times out from about eleven optional properties on (wire facts, trap 42). */
const maxOptional = 10;

/**
 * A JSON Schema as structured outputs accept it: objects closed, `oneOf` as `anyOf`, and every keyword that the grammar
 * does not know moved into the description, so that the model still reads it (the SDK's own transform does the same).
 */
export function sanitiseSchema(schema: JsonObject): JsonObject {
  const result: JsonObject = {};
  const told: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined || key === '$schema' || key === 'additionalProperties') continue;
    if (key === 'properties' || key === '$defs' || key === 'definitions')
      result[key === 'definitions' ? '$defs' : key] = sanitiseEach(value);
    else if (key === 'items' && isObject(value)) result.items = sanitiseSchema(value);
    else if (key === 'oneOf' || key === 'anyOf' || key === 'allOf')
      result[key === 'oneOf' ? 'anyOf' : key] = sanitiseList(value);
    else if (key === '$ref' && typeof value === 'string') result.$ref = value.replace('#/definitions/', '#/$defs/');
    else if (
      kept.has(key) ||
      (key === 'minItems' && (value === 0 || value === 1)) ||
      (key === 'format' && formats.has(String(value)))
    ) {
      result[key] = value;
    } else told.push(`${key}: ${JSON.stringify(value)}`);
  }
  if (isObjectSchema(schema)) result.additionalProperties = false;
  if (told.length > 0) {
    const before = typeof schema.description === 'string' ? `${schema.description}\n\n` : '';
    result.description = `${before}{${told.join(', ')}}`;
  }
  return result;
}

/**
 * Whether native structured output can serve this schema. Open objects come back as `{}`, recursion is refused and many
 * optional properties time out; such schemas go through the answer tool instead.
 */
export function fitsNativeOutput(schema: JsonObject): boolean {
  if (!isObjectSchema(schema) && schema.$ref === undefined && schema.anyOf === undefined) return false;
  const definitions = { ...asRecord(schema.definitions), ...asRecord(schema.$defs) };
  const count = { optional: 0 };
  return fits(schema, definitions, new Set(), count) && count.optional <= maxOptional;
}

function fits(
  schema: JsonObject,
  definitions: JsonObject,
  open: ReadonlySet<string>,
  count: { optional: number },
): boolean {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    const target = definitions[name];
    if (open.has(name) || !isObject(target)) return false;
    return fits(target, definitions, new Set(open).add(name), count);
  }
  if (isObjectSchema(schema)) {
    const properties = asRecord(schema.properties);
    const names = Object.keys(properties);
    const isOpen = schema.additionalProperties === true || isObject(schema.additionalProperties);
    if (isOpen || schema.patternProperties !== undefined || names.length === 0) return false;
    const requiredNames = Array.isArray(schema.required) ? schema.required : [];
    count.optional += names.filter((name) => !requiredNames.includes(name)).length;
  }
  return childrenOf(schema).every((child) => fits(child, definitions, open, count));
}

function childrenOf(schema: JsonObject): JsonObject[] {
  const lists = [schema.anyOf, schema.oneOf, schema.allOf].filter(Array.isArray).flat();
  return [...Object.values(asRecord(schema.properties)), schema.items, ...lists].filter(isObject);
}

function isObjectSchema(schema: JsonObject): boolean {
  return (
    schema.type === 'object' ||
    schema.properties !== undefined ||
    (Array.isArray(schema.type) && schema.type.includes('object'))
  );
}

function sanitiseEach(value: JsonValue): JsonObject {
  return Object.fromEntries(
    Object.entries(asRecord(value)).map(([name, child]) => [name, isObject(child) ? sanitiseSchema(child) : child]),
  );
}

function sanitiseList(value: JsonValue): JsonValue {
  return Array.isArray(value) ? value.map((child) => (isObject(child) ? sanitiseSchema(child) : child)) : value;
}

function asRecord(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}
