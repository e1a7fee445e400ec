/**
 * What is open for a moment, each under the place it was given: an array whose places are used again. A `Map` or `Set` whose
 * members come and go with every call makes itself a new table every few calls, and V8 keeps each of them, with what was in it,
 * until a full collection, since the one before it has grown old and points to it.
 */
export class OpenList<T> implements Iterable<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  add(item: T): number {
    const place = this.#free.pop() ?? this.#items.length;
    this.#items[place] = item;
    return place;
  }

  get(place: number): T | undefined {
    return this.#items[place];
  }

  /** Does nothing for a place that is free. */
  delete(place: number): void {
    if (this.#items[place] === undefined) return;
    this.#items[place] = undefined;
    this.#free.push(place);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }
}
