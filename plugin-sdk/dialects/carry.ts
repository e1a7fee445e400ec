import type { Carrier, Carry } from '../conversation/index.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { DialectId } from './dialect.ts';

/**
 * Keys of a carry that begin with this mark are a dialect's own notes on how it read something (which of two
 * spellings, what was absent). They are no fields, so nothing is lost when another dialect leaves them behind.
 */
const noteMark = '$';

/** `{ carry }` for a spread, or `{}` when there is nothing to keep. */
export function carryOf(dialect: DialectId, fields: JsonObject): { readonly carry?: Carry } {
  for (const key in fields) if (fields[key] !== undefined) return { carry: { [dialect]: fields } };
  return {};
}

/**
 * Reports the fields with content that other dialects left on a carrier at `path` (`''` for the conversation itself),
 * but for those that the encoder has `understood`.
 */
export function loseForeignCarry(
  carrier: Carrier,
  dialect: DialectId,
  path: string,
  lost: (path: string) => void,
  understood: readonly string[] = [],
): void {
  const { carry } = carrier;
  if (carry === undefined) return;
  for (const origin in carry) {
    const fields = carry[origin];
    if (origin === dialect || fields === undefined) continue;
    for (const key in fields) {
      if (key.startsWith(noteMark) || understood.includes(key) || isEmpty(fields[key])) continue;
      lost(path === '' ? key : `${path}.${key}`);
    }
  }
}

/** What says nothing is not lost: `null`, `false`, `''`, `[]`, `{}`. */
export function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
