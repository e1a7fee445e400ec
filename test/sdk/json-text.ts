import fc from 'fast-check';
import type { JsonValue } from '../../plugin-sdk/json.ts';

export const names = ['model', 'stream', 'é', '__proto__', 'a"\\b', ''];
const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 2 });

/** A string as JSON text, with escapes where none are needed. */
export const stringText = (value: fc.Arbitrary<string>) =>
  fc.tuple(value, fc.infiniteStream(fc.integer({ min: 0, max: 9 }))).map(([text, dice]) => {
    const escaped = Array.from({ length: text.length }, (_, index) => {
      const unit = text[index]!;
      const lone = /[\ud800-\udfff]/.test(unit);
      if (dice.next().value === 0 || lone) return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
      return unit === '/' ? '\\/' : JSON.stringify(unit).slice(1, -1);
    });
    return `"${escaped.join('')}"`;
  });
export const anyString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'model', '\n'), maxLength: 200 }),
);
/**
 * JSON.parse itself misreads escaped keys after it has seen a key that ends with a backslash (nodejs/node#63785), so it
 * can be compared with only where there is none.
 */
export const isSafeKey = (key: string) => !key.endsWith('\\');
const key = fc.oneof(fc.constantFrom(...names), anyString.filter(isSafeKey));

const texts = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('true', 'false', 'null', '0', '-1.5e+30', '12E2'),
    stringText(anyString),
    tie('object'),
    tie('array'),
  ),
  array: fc.array(tie('value'), { maxLength: 4 }).chain((items) => spaced(items, '[', ']')),
  object: fc.array(fc.tuple(stringText(key), space, space, tie('value')), { maxLength: 5 }).chain((members) =>
    spaced(
      members.map(([name, before, after, value]) => `${name}${before}:${after}${value}`),
      '{',
      '}',
    ),
  ),
}));

function spaced(items: readonly string[], open: string, close: string): fc.Arbitrary<string> {
  return fc.array(space, { minLength: 2 * items.length + 1, maxLength: 2 * items.length + 1 }).map((spaces) => {
    const inner = items.map((item, index) => `${spaces[2 * index + 1]}${item}${spaces[2 * index + 2]}`).join(',');
    return open + spaces[0] + inner + close;
  });
}

/** JSON text with all the freedom that the grammar gives. */
export const jsonText = texts.value;

export const objectBytes = fc.tuple(space, texts.object, space).map((parts) => Buffer.from(parts.join('')));

export function parsed(bytes: Buffer): Record<string, JsonValue> {
  return JSON.parse(bytes.toString());
}

export function at(bytes: Buffer, range: { start: number; end: number } | undefined): string | undefined {
  return range === undefined ? undefined : bytes.toString('utf8', range.start, range.end);
}
