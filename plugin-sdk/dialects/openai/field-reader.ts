import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/**
 * Reads an object field by field and remembers which ones were understood; {@link FieldReader.rest} is what the
 * conversation has no word for.
 *
 * With a `path` (a client's request) a value of the wrong type throws REQ_INVALID naming the field. Without one
 * (a provider's answer) it merely counts as not understood. `null` counts as absent in both.
 */
export class FieldReader {
  readonly #object: JsonObject;
  readonly #path: string | undefined;
  readonly #understood: string[] = [];

  constructor(object: JsonObject, path?: string) {
    this.#object = object;
    this.#path = path;
  }

  string(key: string): string | undefined {
    const value = this.#object[key];
    return typeof value === 'string' ? this.#take(key, value) : this.#reject(key, value, 'a string');
  }

  number(key: string): number | undefined {
    const value = this.#object[key];
    return typeof value === 'number' ? this.#take(key, value) : this.#reject(key, value, 'a number');
  }

  boolean(key: string): boolean | undefined {
    const value = this.#object[key];
    return typeof value === 'boolean' ? this.#take(key, value) : this.#reject(key, value, 'true or false');
  }

  object(key: string): JsonObject | undefined {
    const value = this.#object[key];
    return isObject(value) ? this.#take(key, value) : this.#reject(key, value, 'an object');
  }

  /** `expected`: what may stand there, where that is not only an array. */
  array(key: string, expected = 'an array'): JsonValue[] | undefined {
    const value = this.#object[key];
    return Array.isArray(value) ? this.#take(key, value) : this.#reject(key, value, expected);
  }

  /** The value if it is one of `words`; any other stays in the rest, since formats grow new words. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.#object[key];
    return words.includes(value as Word) ? this.#take(key, value as Word) : undefined;
  }

  /** The raw value, without marking it as understood. */
  peek(key: string): JsonValue | undefined {
    return this.#object[key];
  }

  /** Marks a field as understood that was looked at with {@link FieldReader.peek}. */
  understood(key: string): void {
    this.#understood.push(key);
  }

  /** The fields that nobody understood; `undefined` if there are none. */
  rest(): JsonObject | undefined {
    let rest: JsonObject | undefined;
    for (const key of Object.keys(this.#object)) {
      if (this.#understood.includes(key)) continue;
      rest ??= {};
      rest[key] = this.#object[key];
    }
    return rest;
  }

  #take<T>(key: string, value: T): T {
    this.#understood.push(key);
    return value;
  }

  #reject(key: string, value: JsonValue | undefined, expected: string): undefined {
    if (this.#path === undefined || value === undefined || value === null) return undefined;
    throw invalid(this.#path === '' ? key : `${this.#path}.${key}`, `must be ${expected}`);
  }
}

/** REQ_INVALID for a request field: `messages[0].role must be a string.` */
export function invalid(param: string, reason: string): GatewayError<'REQ_INVALID'> {
  return new GatewayError('REQ_INVALID', { reason: `${param} ${reason}.` }, { param });
}
