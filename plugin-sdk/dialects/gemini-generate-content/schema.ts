import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/**
 * A JSON Schema as `responseJsonSchema` and `parametersJsonSchema` take it: without `$schema`, and `const` as an `enum`
 * of one. Everything else is understood or ignored by Google (wire.md 4.3). The input is not changed.
 */
export function toGoogleSchema(schema: JsonObject): JsonObject {
  const { $schema: _version, ...rest } = schema;
  return mapSchema(rest);
}

function mapSchema(schema: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'const') result['enum'] ??= [value ?? null];
    else if (schemaMaps.has(key) && isObject(value)) result[key] = mapValues(value);
    else if (schemaPlaces.has(key)) result[key] = mapPlace(value);
    else result[key] = value;
  }
  return result;
}

/** Keywords whose values are schemas by name; a property may well be called `const`. */
const schemaMaps = new Set(['properties', '$defs', 'definitions', 'patternProperties']);
const schemaPlaces = new Set(['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf', 'additionalProperties', 'not']);

function mapValues(schemas: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [name, schema] of Object.entries(schemas)) result[name] = isObject(schema) ? mapSchema(schema) : schema;
  return result;
}

function mapPlace(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return value.map((schema) => (isObject(schema) ? mapSchema(schema) : schema));
  return isObject(value) ? mapSchema(value) : value;
}

/**
 * Google's older schema (`parameters`, `responseSchema`: OpenAPI 3.0 with `type: "STRING"`) as JSON Schema:
 * types in lower case, `nullable` as a type, int64 counts as numbers, `example` and `propertyOrdering` dropped.
 */
export function fromOpenApiSchema(schema: JsonObject): JsonObject {
  const {
    nullable,
    example: _example,
    propertyOrdering: _order,
    property_ordering: _snakeOrder,
    type,
    ...rest
  } = schema;
  const result: JsonObject = {};
  if (typeof type === 'string') {
    const lower = type.toLowerCase();
    result['type'] = nullable === true ? [lower, 'null'] : lower;
  } else if (type !== undefined) result['type'] = type;
  for (const [key, value] of Object.entries(rest)) {
    const word = jsonSchemaWord[key] ?? key;
    if (key === 'properties' && isObject(value)) {
      const properties: JsonObject = {};
      for (const [name, inner] of Object.entries(value))
        properties[name] = isObject(inner) ? fromOpenApiSchema(inner) : inner;
      result[word] = properties;
    } else if (isObject(value) && word === 'items') result[word] = fromOpenApiSchema(value);
    else if (Array.isArray(value) && word === 'anyOf') {
      result[word] = value.map((inner) => (isObject(inner) ? fromOpenApiSchema(inner) : inner));
    } else result[word] = int64Words.has(word) && typeof value === 'string' ? Number(value) : value;
  }
  if (Array.isArray(result['enum']) && nullable === true) result['enum'] = [...result['enum'], null];
  return result;
}

const jsonSchemaWord: Readonly<Record<string, string>> = {
  any_of: 'anyOf',
  min_items: 'minItems',
  max_items: 'maxItems',
  min_length: 'minLength',
  max_length: 'maxLength',
  min_properties: 'minProperties',
  max_properties: 'maxProperties',
};

/** Protocol buffers write 64-bit integers as strings. */
const int64Words = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);
