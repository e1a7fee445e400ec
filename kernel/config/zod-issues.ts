import type { z } from 'zod';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { didYouMean } from './did-you-mean.ts';
import { knownKeys } from './known-keys.ts';
import { type Path, toPath, valueAt } from './path.ts';
import type { Problems } from './problems.ts';
import { alternatives, typeWord, valueWord } from './wording.ts';

/** What a failed check was about. */
export interface Checked {
  readonly value: unknown;
  /** Where the value stands in the config. */
  readonly base: Path;
  /** JSON Schema of the value, for the names of known keys. Asked for only when a key is unknown. */
  readonly schema: () => JsonObject;
  readonly problems: Problems;
}

/** Parse options that make zod (4) speak as the config reader does; a schema's own messages stay. */
export const zodWording = { error: wordIssue, reportInput: true } as const;

/** Turns zod's issues into problems, one for each unknown key. */
export function addZodIssues(issues: readonly z.core.$ZodIssue[], checked: Checked): void {
  for (const issue of issues) addIssue(issue, [], checked);
}

function addIssue(issue: z.core.$ZodIssue, above: Path, checked: Checked): void {
  const inner = [...above, ...toPath(issue.path)];
  const path = [...checked.base, ...inner];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(checked.schema(), inner);
    for (const key of issue.keys) addUnknownKey([...path, key], known, checked.problems);
    return;
  }
  const branch = issue.code === 'invalid_union' ? nearestBranch(issue) : undefined;
  if (branch) {
    for (const deeper of branch) addIssue(deeper, inner, checked);
    return;
  }
  const allowed = allowedValues(issue);
  // Of a discriminated union and of a schema's own check, the input is the object, but the path is that of the member at fault.
  const isOfMember = issue.code === 'invalid_union' || issue.code === 'custom';
  const got = 'input' in issue && !isOfMember ? issue.input : valueAt(checked.value, inner);
  const message = issue.message === '' ? wordUnion(issue) : issue.message;
  const isMissing = got === undefined && message.startsWith('expected ');
  const suggestion = allowed && suggestValue(got, allowed);
  checked.problems.add(path, isMissing ? `is missing; ${message}` : message, { got, suggestion });
}

/** Reports a key that no schema knows; `path` ends with it. */
export function addUnknownKey(path: Path, known: readonly string[], problems: Problems): void {
  problems.add(path, 'unknown key', { part: 'key', suggestion: didYouMean(String(path.at(-1)), known) });
}

/** The alternative that the value was meant for: its kind fits, and the fewest things inside are wrong. */
function nearestBranch(issue: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const fitting = issue.errors.filter((branch) =>
    branch.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return fitting.sort((a, b) => a.length - b.length)[0];
}

function wordUnion(issue: z.core.$ZodIssue): string {
  const allowed = allowedValues(issue);
  if (allowed) return `expected ${alternatives(allowed.map(valueWord))}`;
  const branches = issue.code === 'invalid_union' ? issue.errors.flat() : [];
  const words = branches.map(({ message }) => message.replace(/^expected /, ''));
  return `expected ${alternatives([...new Set(words)])}`;
}

/** The only values that would do; for a discriminated union, those of the member that tells. */
function allowedValues(issue: z.core.$ZodIssue): readonly unknown[] | undefined {
  if (issue.code === 'invalid_value') return issue.values;
  return issue.code === 'invalid_union' && 'options' in issue ? (issue.options as readonly unknown[]) : undefined;
}

/** The allowed value that a text was probably meant to be, as it is written in the config. */
export function suggestValue(got: unknown, allowed: readonly unknown[]): string | undefined {
  if (typeof got !== 'string') return undefined;
  const texts = allowed.filter((value) => typeof value === 'string');
  const meant = didYouMean(got, texts);
  return meant && JSON.stringify(meant);
}

function wordIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeWord(issue.expected)}`;
    case 'invalid_value':
      return `expected ${alternatives(issue.values.map(valueWord))}`;
    case 'too_small':
      return `expected ${amount(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)}`;
    case 'too_big':
      return `expected ${amount(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'expected a URL' : `expected text in the form ${issue.pattern ?? issue.format}`;
    case 'invalid_key':
      return 'this key is not allowed';
    case 'invalid_union':
      // Worded later, when it is known which alternative came nearest.
      return '';
    default:
      return undefined;
  }
}

function amount(origin: string, comparison: string, limit: number | bigint): string {
  const unit = origin === 'string' ? 'character' : origin === 'array' || origin === 'set' ? 'element' : undefined;
  return `${comparison} ${limit}${unit === undefined ? '' : ` ${unit}${limit === 1 ? '' : 's'}`}`;
}
