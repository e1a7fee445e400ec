import type { Carrier } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carryOf, loseForeignCarry } from '../carry.ts';
import type { KnownDialectId } from '../dialect.ts';

/**
 * The carry of an OpenAI dialect: `fields` of the wire format under their own names, and `notes` under names that start
 * with `$`. Fields that say nothing (null, false, empty) become one note, so that nobody reports them as lost.
 */
export function carrying(dialect: KnownDialectId, fields: JsonObject | undefined, notes?: JsonObject): Carrier {
  if (fields === undefined && notes === undefined) return noCarry;
  const entry: JsonObject = {};
  const empty: JsonObject = {};
  for (const key in fields) (isEmpty(fields[key]) ? empty : entry)[key] = fields[key];
  for (const key in notes) if (notes[key] !== undefined) entry[key] = notes[key];
  if (Object.keys(empty).length > 0) entry['$empty'] = empty;
  return carryOf(dialect, entry);
}

const noCarry: Carrier = {};

/** What `dialect` left on a carrier; `undefined` if the carrier came from elsewhere or had nothing to remember. */
export function carried(carrier: Carrier, dialect: KnownDialectId): JsonObject | undefined {
  return carrier.carry?.[dialect];
}

/** The wire fields of a carry entry, without the notes. */
export function wireFields(entry: JsonObject | undefined): JsonObject {
  const empty = entry?.['$empty'];
  const fields: JsonObject = isObject(empty) ? { ...empty } : {};
  for (const key in entry) if (!key.startsWith('$')) fields[key] = entry[key];
  return fields;
}

/** Reports what other dialects left on a carrier at `path`, but for fields that this dialect takes over. */
export function reportForeign(
  carrier: Carrier,
  dialect: KnownDialectId,
  path: string,
  lost: (path: string) => void,
  takenOver: readonly string[] = [],
): void {
  if (carrier.carry === undefined) return;
  loseForeignCarry(carrier, dialect, path, (lostPath) => {
    if (!takenOver.includes(lostPath)) lost(lostPath);
  });
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
