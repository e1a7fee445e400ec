import type { Conversation, OutputFormat } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/** Keywords that OpenAI's strict mode takes everywhere; it answers 400 to others. */
const taken = new Set([
  ...['type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'anyOf', '$ref', '$defs'],
  ...['title', 'description'],
]);

/** The wanted output, strict where the client's format always is and the target can be. */
export function heldOutput(
  { output, carry }: Pick<Conversation, 'output' | 'carry'>,
  { strictSchemas }: { readonly strictSchemas?: boolean },
): OutputFormat | undefined {
  const isHeld = strictSchemas === true && carry?.['anthropic.messages'] !== undefined;
  return isHeld && output?.type === 'schema' && fitsStrict(output.schema) ? { ...output, strict: true } : output;
}

/**
 * Whether OpenAI can hold a model to this schema: every object is closed and needs all of its properties ("Structured
 * Outputs: supported schemas"). Anthropic holds its models to every schema that it accepts, and the transform of its SDK
 * leaves nothing else in one but optional properties.
 */
function fitsStrict(schema: JsonObject): boolean {
  return schema['type'] === 'object' && fits(schema);
}

function fits(schema: JsonValue | undefined): boolean {
  if (!isObject(schema) || !Object.keys(schema).every((key) => taken.has(key))) return false;
  const { type, properties, required, additionalProperties, items, anyOf, $defs } = schema;
  if (type === 'object') {
    if (!isObject(properties) || additionalProperties !== false || !Array.isArray(required)) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  } else if (properties !== undefined || (Array.isArray(type) && type.includes('object'))) return false;
  const inner = [properties, $defs].flatMap((named) => (isObject(named) ? Object.values(named) : []));
  return [...inner, ...(items === undefined ? [] : [items]), ...(Array.isArray(anyOf) ? anyOf : [])].every(fits);
}
