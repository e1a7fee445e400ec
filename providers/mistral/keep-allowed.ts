import { isEmpty } from '../../plugin-sdk/dialects/carry.ts';
import type { BodyEditor, JsonObject, JsonValue } from '../../plugin-sdk/index.ts';

/**
 * The object with only these fields; itself when it has no others. What said something and goes is lost. Fields that are
 * null go too, since most may not be null and null says as much as nothing; only `content` may have to be there.
 */
export function keepAllowed(object: JsonObject, allowed: readonly string[], lost: (field: string) => void): JsonObject {
  const entries = Object.entries(object);
  const kept = entries.filter(([field, value]) => isAllowed(field, value, allowed));
  if (kept.length === entries.length) return object;
  for (const [field, value] of entries) if (!allowed.includes(field) && !isEmpty(value)) lost(field);
  return Object.fromEntries(kept);
}

function isAllowed(field: string, value: JsonValue | undefined, allowed: readonly string[]): boolean {
  return allowed.includes(field) && (value !== null || field === 'content');
}

/** The same for the body itself, as edits. */
export function keepAllowedMembers(body: BodyEditor, allowed: readonly string[]): void {
  const json = body.json();
  const kept = keepAllowed(json, allowed, (field) => body.lost(field));
  for (const field of Object.keys(json)) if (!(field in kept)) body.remove(field);
}

/** The list with each entry changed by `fit`, or without it; itself when nothing changes. */
export function fitEach(
  list: readonly JsonValue[],
  fit: (entry: JsonValue, i: number) => JsonValue | undefined,
): readonly JsonValue[] {
  const fitted = list.map(fit);
  return fitted.some((entry, i) => entry !== list[i]) ? fitted.filter((entry) => entry !== undefined) : list;
}
