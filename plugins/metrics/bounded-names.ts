/** Stands for every name beyond the limit. */
export const other = 'other';

/**
 * Keeps names that clients choose from making series without end. Each name has its place for good, first come first
 * served; half of the places are kept for names with a success, so that misspelt models cannot take them all.
 */
export class BoundedNames {
  readonly #limit: number;
  readonly #known = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The name itself, or {@link other}. */
  place(name: string, proven: boolean): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= (proven ? this.#limit : this.#limit / 2)) return other;
    this.#known.add(name);
    return name;
  }
}
