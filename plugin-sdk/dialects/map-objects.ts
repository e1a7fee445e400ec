import { isObject, type JsonObject, type JsonValue } from '../json.ts';

type Change = (object: JsonObject, place: number) => JsonObject;

/** The list with each object that it holds given to `change`; the list itself when all of them come back as they were. */
export function mapObjects(list: JsonValue[], change: Change): JsonValue[] {
  const changed = list.map((entry, place) => (isObject(entry) ? change(entry, place) : entry));
  return changed.some((entry, i) => entry !== list[i]) ? changed : list;
}

/** The object with the list in this field so changed; the object itself when nothing changes or the field has no list. */
export function mapObjectsIn(object: JsonObject, field: string, change: Change): JsonObject {
  const list = object[field];
  if (!Array.isArray(list)) return object;
  const changed = mapObjects(list, change);
  return changed === list ? object : { ...object, [field]: changed };
}
