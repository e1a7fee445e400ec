/** Stands for every name beyond the limit. */
export const other = 'other';

/** Every series repeats its names in some sixty lines of every scrape. */
const longestName = 200;

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

  /** The name itself, cut if it is long, or {@link other}. */
  place(given: string, proven: boolean): string {
    const name = given.length > longestName ? given.slice(0, longestName) : given;
    if (this.#known.has(name)) return name;
    if (this.#known.size >= (proven ? this.#limit : this.#limit / 2)) return other;
    this.#known.add(name);
    return name;
  }
}
