import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { legalNames, type ToolNames } from '../tool-names.ts';

const forbidden = /[^a-zA-Z0-9_.-]/g;
const limit = 64;

/**
 * The properties of a tool's input under names that Anthropic takes: "Property keys should match pattern
 * '^[a-zA-Z0-9_.-]{1,64}$'". OpenAI takes any, and many come from elsewhere (`$filter`, `filter[name]`). Only the keys of
 * the schema itself are checked. Undefined where all may stand.
 */
export function propertyNames(schema: JsonObject | undefined): ToolNames | undefined {
  return isObject(schema?.properties) ? legalNames(Object.keys(schema.properties), forbidden, limit) : undefined;
}

/** The schema with such names. */
export function withLegalProperties(schema: JsonObject): JsonObject {
  const names = propertyNames(schema);
  if (names === undefined) return schema;
  const { required } = schema;
  const legal = { ...schema, properties: withKeys(schema.properties as JsonObject, names.toWire) };
  if (!Array.isArray(required)) return legal;
  return { ...legal, required: required.map((name) => (typeof name === 'string' ? names.toWire(name) : name)) };
}

/** An input that came back, as JSON, with the client's own names; what is cut off stays as it is. */
export function withOwnProperties(input: string, names: ToolNames): string {
  try {
    const value = JSON.parse(input) as JsonValue;
    return isObject(value) ? JSON.stringify(withKeys(value, names.fromWire)) : input;
  } catch {
    return input;
  }
}

function withKeys(object: JsonObject, rename: (key: string) => string): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));
}
