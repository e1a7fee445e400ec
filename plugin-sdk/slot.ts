/**
 * A typed place on an exchange that one plugin owns.
 *
 * The owner exports its slot; a reader imports it and names the owner in `after` or `requires`. `get` may give
 * `undefined`, because the owner may not be loaded: slots say the truth that ambient type merging hides.
 */
export interface Slot<T> {
  readonly name: string;
  /** Position in the exchange's slot array. */
  readonly index: number;
  /** Only carries the type. */
  readonly type?: T;
}

let count = 0;

/** Makes a slot. Call it once, at module level: each call takes a place in every exchange. */
export function defineSlot<T>(name: string): Slot<T> {
  return { name, index: count++ };
}
