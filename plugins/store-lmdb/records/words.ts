import type { Database } from 'lmdb';

const maxRemembered = 200_000;

/**
 * Numbers for texts that repeat, shared by all processes. 0 is the empty text. Numbers are given out inside the write
 * transaction of the records that need them; a number never changes its text.
 */
export class Words {
  readonly #store: Database<number | string, string | number>;
  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #texts = new Map<number, string>([[0, '']]);

  constructor(store: Database<number | string, string | number>) {
    this.#store = store;
  }

  /** The number of a text, a new one if need be. Only inside a write transaction. */
  number(text: string): number {
    const known = this.find(text);
    if (known !== undefined) return known;
    const next = ((this.#store.get(0) as number | undefined) ?? 0) + 1;
    this.#store.put(0, next);
    this.#store.put(next, text);
    this.#store.put(keyOf(text), next);
    this.#remember(text, next);
    return next;
  }

  /** The number of a text that has one. */
  find(text: string): number | undefined {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const stored = this.#store.get(keyOf(text)) as number | undefined;
    if (stored !== undefined) this.#remember(text, stored);
    return stored;
  }

  text(number: number): string {
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const text = String(this.#store.get(number) ?? '');
    this.#remember(text, number);
    return text;
  }

  /** Numbers of the texts that hold this one, which is in lower case. */
  containing(part: string): Set<number> {
    const found = new Set<number>();
    for (const { key, value } of this.#store.getRange({ start: 1, end: Number.MAX_SAFE_INTEGER }))
      if (String(value).toLowerCase().includes(part)) found.add(key as number);
    return found;
  }

  /** After a transaction that did not commit: what it gave out does not hold. */
  forget(): void {
    this.#numbers.clear();
    this.#texts.clear();
    this.#numbers.set('', 0);
    this.#texts.set(0, '');
  }

  #remember(text: string, number: number): void {
    if (this.#numbers.size > maxRemembered) this.forget();
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
  }
}

/** Longest text kept whole; LMDB keys are short. */
const maxLength = 400;

function keyOf(text: string): string {
  return `=${text.length > maxLength ? text.slice(0, maxLength) : text}`;
}
