import { isIPv4, isIPv6 } from 'node:net';
import type { z } from 'zod';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import { addJsonSchemaErrors } from './json-schema-errors.ts';
import { isUndecided, isZod, toJsonSchema } from './known-keys.ts';
import type { Path } from './path.ts';
import type { Problems } from './problems.ts';
import { addUnknownKey, addZodIssues, type Checked, zodWording } from './zod-issues.ts';

export interface OptionsToCheck {
  /** The plugin's key in the config. */
  readonly plugin: string;
  /** A zod schema or a JSON Schema (draft 2020-12; draft-07 when its `$schema` says so). */
  readonly schema: unknown;
  /** Without the keys that the kernel reserves. A JSON Schema's defaults are filled into this value in place. */
  readonly options: unknown;
  readonly problems: Problems;
}

/**
 * The options as the plugin's schema gives them, defaults included; undefined after a problem was reported.
 *
 * A key that the schema does not name is refused at the top also when the schema leaves that open by omission.
 */
export async function checkOptions({ plugin, schema, options, problems }: OptionsToCheck): Promise<unknown> {
  const base: Path = ['plugins', plugin];
  const checked: Checked = { value: options, base, schema: () => toJsonSchema(schema), problems };
  try {
    return await (isZodLike(schema) ? checkWithZod(schema, checked) : checkWithAjv(schema, checked));
  } catch (error) {
    // A message from inside a schema's own code may quote a part of what it was given.
    const reason = problems.touchesReference(base) || !(error instanceof Error) ? '' : `: ${error.message}`;
    problems.add(base, `its options cannot be checked, since their schema fails${reason}`);
    return undefined;
  }
}

/** What every version of zod has. */
type ZodLike = Pick<z.ZodType, 'safeParseAsync'>;

function isZodLike(schema: unknown): schema is ZodLike {
  return typeof schema === 'object' && schema !== null && 'safeParseAsync' in schema;
}

async function checkWithZod(schema: ZodLike, checked: Checked): Promise<unknown> {
  const known = undecidedShape(schema);
  const unknown =
    known && isObject(checked.value) ? Object.keys(checked.value).filter((key) => !Object.hasOwn(known, key)) : [];
  for (const key of unknown) addUnknownKey([...checked.base, key], Object.keys(known ?? {}), checked.problems);
  const result = await schema.safeParseAsync(checked.value, zodWording);
  if (!result.success) addZodIssues(result.error.issues, checked);
  return result.success && unknown.length === 0 ? result.data : undefined;
}

/** The members of a `z.object` that is neither strict nor loose, behind whatever wraps it. */
function undecidedShape(schema: unknown): object | undefined {
  type Definition = { type: string; in?: z.ZodType; innerType?: z.ZodType; catchall?: unknown; shape?: object };
  let inner: unknown = schema;
  while (isZod(inner)) {
    const definition = inner._zod.def as Definition;
    if (definition.type === 'object') return definition.catchall === undefined ? definition.shape : undefined;
    inner = definition.in ?? definition.innerType;
  }
  return undefined;
}

async function checkWithAjv(schema: unknown, checked: Checked): Promise<unknown> {
  if (!isObject(schema)) throw new Error('it is neither a zod schema nor a JSON Schema');
  const ajv = await createAjv(schema);
  const validate = ajv.compile(isUndecided(schema) ? { ...schema, additionalProperties: false } : schema);
  if (await validate(checked.value)) return checked.value;
  addJsonSchemaErrors(validate.errors ?? [], checked);
  return undefined;
}

/** A validator of its own for each plugin, so that two schemas with the same `$id` do not meet. */
async function createAjv(schema: JsonObject) {
  const isDraft7 = /draft-0[67]/.test(String(schema['$schema'] ?? ''));
  const { default: Ajv } = isDraft7 ? await import('ajv') : await import('ajv/dist/2020.js');
  return new Ajv.default({ ...ajvOptions, formats });
}

const ajvOptions = {
  allErrors: true,
  useDefaults: true,
  verbose: true,
  strictTypes: false,
  strictTuples: false,
} as const;

/** ajv brings no formats of its own; these are the ones that options use. */
const formats = {
  uri: (text: string) => URL.canParse(text),
  hostname: (text: string) => /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  email: (text: string) => /^[^\s@]+@[^\s@]+$/.test(text),
  'date-time': (text: string) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  regex: isRegularExpression,
};

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}
