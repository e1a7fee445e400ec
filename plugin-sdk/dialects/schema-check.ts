import { createHash } from 'node:crypto';
import { createContext, Script } from 'node:vm';
import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv';
import type { JsonObject, JsonValue } from '../json.ts';

/** Says where and why a JSON text does not match a schema; undefined when it does, or when that cannot be told. */
export type SchemaCheck = (text: string) => SchemaMismatch | undefined;

export interface SchemaMismatch {
  /** JSON Pointer into the answer; `/` for all of it. */
  readonly path: string;
  readonly reason: string;
}

/** Clients choose schemas, patterns among them, so what a check may cost has to have an end. */
const mostMs = 250;
const mostKept = 64;
const kept = new Map<string, Promise<SchemaCheck>>();

/**
 * A check for a schema, the same one for the same bytes. The validator is loaded with the first and compiled with the
 * first answer. Formats are not checked: they are notes in JSON Schema.
 */
export function schemaCheck(schema: JsonObject): Promise<SchemaCheck> {
  const text = JSON.stringify(schema);
  const key = createHash('sha1').update(text).digest('base64');
  const found = kept.get(key) ?? makeCheck(schema, /draft-0[4-7]|"items":\[/.test(text));
  kept.delete(key);
  kept.set(key, found);
  if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
  return found;
}

async function makeCheck(schema: JsonObject, isDraft7: boolean): Promise<SchemaCheck> {
  const { default: Ajv } = isDraft7 ? await import('ajv') : await import('ajv/dist/2020.js');
  // Neither names a document that this validator could read.
  const { $schema: _, $id: __, ...rules } = schema;
  const options = { strict: false, validateSchema: false, validateFormats: false, meta: false, logger: false } as const;
  let validate: ValidateFunction | undefined;
  return (text) => {
    const parsed = parse(text);
    if (parsed === undefined) return { path: '/', reason: 'it is not JSON' };
    const matches = withinTime(() => {
      validate ??= new Ajv.default(options).compile(rules as AnySchemaObject);
      return validate(parsed.value);
    });
    return matches === false ? mismatch(validate!.errors?.[0]) : undefined;
  };
}

function parse(text: string): { readonly value: JsonValue } | undefined {
  try {
    return { value: JSON.parse(text) as JsonValue };
  } catch {
    return undefined;
  }
}

function mismatch(error: ErrorObject | undefined): SchemaMismatch {
  const { additionalProperty } = (error?.params ?? {}) as { additionalProperty?: string };
  const more = additionalProperty === undefined ? '' : `: ${additionalProperty}`;
  return { path: error?.instancePath || '/', reason: `${error?.message ?? 'it does not match'}${more}` };
}

const sandbox = createContext({ work: undefined });
const script = new Script('work()');

/** What `work` gives; undefined when it takes too long or throws, as for a schema that is none. */
function withinTime<T>(work: () => T): T | undefined {
  sandbox['work'] = work;
  try {
    return script.runInContext(sandbox, { timeout: mostMs }) as T;
  } catch {
    return undefined;
  } finally {
    sandbox['work'] = undefined;
  }
}
