/** A row's place in the order of a list: by value, then by its number. */
export interface Place {
  readonly value: number;
  readonly row: number;
}

/** The first so many rows of an order, found in one pass over rows in any order. */
export class Top {
  readonly #limit: number;
  readonly #after: Place | undefined;
  /** 1 for rising order, -1 for falling. */
  readonly #sign: number;
  /** A heap whose root is the last in order, so that a better row replaces it. */
  readonly #heap: Place[] = [];

  constructor(limit: number, order: 'asc' | 'desc', after: Place | undefined) {
    this.#limit = limit;
    this.#after = after;
    this.#sign = order === 'asc' ? 1 : -1;
  }

  offer(value: number, row: number): void {
    const after = this.#after;
    if (after !== undefined && this.#compare(value, row, after) <= 0) return;
    const heap = this.#heap;
    if (heap.length < this.#limit) {
      heap.push({ value, row });
      this.#up(heap.length - 1);
    } else if (this.#compare(value, row, heap[0]!) < 0) {
      heap[0] = { value, row };
      this.#down(0);
    }
  }

  /** Value that a row must come before to be among the first; `undefined` while there is room. */
  get bound(): number | undefined {
    return this.#heap.length < this.#limit ? undefined : this.#heap[0]!.value;
  }

  inOrder(): Place[] {
    return [...this.#heap].sort((a, b) => this.#compare(a.value, a.row, b));
  }

  #compare(value: number, row: number, other: Place): number {
    return (value === other.value ? row - other.row : value - other.value) * this.#sign;
  }

  #up(start: number): void {
    const heap = this.#heap;
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(heap[at]!.value, heap[at]!.row, heap[parent]!) <= 0) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #down(start: number): void {
    const heap = this.#heap;
    let at = start;
    for (;;) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.#compare(heap[child]!.value, heap[child]!.row, heap[last]!) > 0) last = child;
      }
      if (last === at) return;
      [heap[at], heap[last]] = [heap[last]!, heap[at]!];
      at = last;
    }
  }
}
