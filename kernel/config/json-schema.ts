import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';
import { configShape, reservedKeys } from './config.ts';
import { isUndecided, toJsonSchema } from './known-keys.ts';

export interface DescribedPlugin {
  /** The plugin's key in the config. */
  readonly id: string;
  /** A zod schema or a JSON Schema. */
  readonly options: unknown;
  readonly description?: string;
}

/** JSON Schema (draft 2020-12) of the whole config with the options of these plugins, for editors. */
export function configSchema(plugins: readonly DescribedPlugin[]): JsonObject {
  const top = toJsonSchema(configShape);
  const properties = top['properties'] as JsonObject;
  const entries = plugins.map(({ id }): [string, JsonObject] => [
    id,
    { anyOf: [{ const: false }, { $ref: pointer(id) }] },
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Bifrost Kernel config',
    ...top,
    properties: {
      ...properties,
      plugins: { ...(properties['plugins'] as JsonObject), properties: Object.fromEntries(entries) },
    },
    $defs: {
      ...(top['$defs'] as JsonObject | undefined),
      ...Object.fromEntries(plugins.map((it) => [it.id, entrySchema(it)])),
    },
  };
}

function entrySchema({ id, options, description }: DescribedPlugin): JsonObject {
  const { $schema: _, $id: __, ...schema } = rebased(toJsonSchema(options), pointer(id)) as JsonObject;
  return { ...(description !== undefined && { description }), ...withReservedKeys(schema) };
}

function withReservedKeys(schema: JsonObject): JsonObject {
  const reserved = toJsonSchema(reservedKeys)['properties'] as JsonObject;
  const alternatives = ['anyOf', 'oneOf', 'allOf'].filter((keyword) => Array.isArray(schema[keyword]));
  const opened = alternatives.map((keyword) => {
    const list = schema[keyword] as JsonValue[];
    return [keyword, list.map((it) => (isObject(it) ? withReservedKeys(it) : it))] as const;
  });
  return {
    ...schema,
    ...Object.fromEntries(opened),
    ...(isObject(schema['properties']) && { properties: { ...schema['properties'], ...reserved } }),
    ...(isUndecided(schema) && { additionalProperties: false }),
  };
}

/** The same schema with its `#…` references starting at `root`, where it now stands. */
function rebased(value: JsonValue, root: string): JsonValue {
  if (Array.isArray(value)) return value.map((element) => rebased(element, root));
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => {
    const isReference = name === '$ref' && typeof member === 'string' && member.startsWith('#');
    return [name, isReference ? root + member.slice(1) : rebased(member ?? null, root)] as const;
  });
  return Object.fromEntries(members);
}

function pointer(id: string): string {
  return `#/$defs/${encodeURIComponent(id.replaceAll('~', '~0').replaceAll('/', '~1'))}`;
}
