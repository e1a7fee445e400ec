import type { ErrorObject } from 'ajv';
import { knownKeys } from './known-keys.ts';
import type { Path } from './path.ts';
import { alternatives, typeWord, valueWord } from './wording.ts';
import { addUnknownKey, type Checked, suggestValue } from './zod-issues.ts';

/** Turns ajv's errors (made with `allErrors` and `verbose`) into problems. */
export function addJsonSchemaErrors(errors: readonly ErrorObject[], checked: Checked): void {
  for (const error of withoutNoise(errors)) addError(error, checked);
}

function addError({ keyword, params, data, message, instancePath }: ErrorObject, checked: Checked): void {
  const inner = toPath(instancePath, checked.value);
  const path = [...checked.base, ...inner];
  const unknownKey: string | undefined = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (unknownKey !== undefined) {
    addUnknownKey([...path, unknownKey], knownKeys(checked.schema(), inner), checked.problems);
  } else if (keyword === 'required') {
    checked.problems.add([...path, params['missingProperty']], 'is missing');
  } else {
    const expected = wordExpected(keyword, params);
    const suggestion = keyword === 'enum' ? suggestValue(data, params['allowedValues']) : undefined;
    checked.problems.add(path, expected ?? message ?? `fails ${keyword}`, { got: data, suggestion });
  }
}

function wordExpected(keyword: string, params: ErrorObject['params']): string | undefined {
  if (keyword === 'enum') return `expected ${alternatives(params['allowedValues'].map(valueWord))}`;
  if (keyword === 'const') return `expected ${valueWord(params['allowedValue'])}`;
  if (keyword === 'type') return `expected ${alternatives([params['type']].flat().map(typeWord))}`;
  if (keyword === 'anyOf' || keyword === 'oneOf') return 'expected one of the forms that the schema allows';
  return undefined;
}

/**
 * Without what one `anyOf` or `oneOf` says twice: when an alternative got as far as something inside the value, that
 * is the news; otherwise that none fits.
 */
function withoutNoise(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = errors.filter(({ keyword }) => keyword !== 'if');
  for (const choice of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const inside = kept.filter((it) => errors.indexOf(it) < errors.indexOf(choice) && isOfChoice(it, choice));
    const deeper = inside.filter((it) => it.instancePath !== choice.instancePath || aboutMembers.has(it.keyword));
    const dropped = new Set(deeper.length > 0 ? [choice, ...inside.filter((it) => !deeper.includes(it))] : inside);
    kept = kept.filter((it) => !dropped.has(it));
  }
  return kept;
}

const aboutMembers = new Set(['additionalProperties', 'unevaluatedProperties', 'required']);

/** An error from a `$ref` does not say who referred; that it is about the same value tells. */
function isOfChoice({ instancePath, schemaPath }: ErrorObject, choice: ErrorObject): boolean {
  const isSameValue = instancePath === choice.instancePath || instancePath.startsWith(`${choice.instancePath}/`);
  return (
    isSameValue &&
    (schemaPath.startsWith(`${choice.schemaPath}/`) || /^(#\/(\$defs|definitions)\/|[^#])/.test(schemaPath))
  );
}

/** A JSON pointer as a path; whether `0` is an index shows in the value. */
function toPath(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const escaped of pointer.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(name) : name);
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  return path;
}
