import type { JsonObject } from '../../json.ts';

/**
 * Google reads every field in camelCase and in snake_case. This gives a view with camelCase keys (the object itself
 * when it has no other) and adds the keys it renamed to `renamed`, so that {@link asWritten} can turn them back.
 */
export function camelCase(object: JsonObject, renamed: string[]): JsonObject {
  let hasSnake = false;
  for (const key in object) {
    if (key.includes('_')) {
      hasSnake = true;
      break;
    }
  }
  if (!hasSnake) return object;
  const result: JsonObject = {};
  for (const key in object) {
    const camel = toCamel(key);
    const reversible = camel !== key && !(camel in object) && toSnake(camel) === key;
    if (reversible) renamed.push(camel);
    result[reversible ? camel : key] = object[key];
  }
  return result;
}

/** The object with the keys of `renamed` in snake_case again. */
export function asWritten(object: JsonObject, renamed: readonly string[]): JsonObject {
  if (renamed.length === 0) return object;
  const result: JsonObject = {};
  for (const key in object) result[renamed.includes(key) ? toSnake(key) : key] = object[key];
  return result;
}

function toCamel(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function toSnake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
