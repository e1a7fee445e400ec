import type { JsonValue } from '../../plugin-sdk/index.ts';

const replacement = '[redacted]';

/** Makes a function that replaces whatever one of the patterns matches. */
export function redactor(patterns: readonly string[]): (text: string) => string {
  if (patterns.length === 0) return (text) => text;
  const expressions = patterns.map((source) => new RegExp(source, 'gu'));
  return (text) => expressions.reduce((result, expression) => result.replace(expression, replacement), text);
}

/** The same value with every text in it redacted, member names included; on the values, so that no escape hides a match. */
export function redactValue(value: JsonValue, redact: (text: string) => string): JsonValue {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => redactValue(one, redact));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      one === undefined ? [] : [[redact(name), redactValue(one, redact)]],
    ),
  );
}
