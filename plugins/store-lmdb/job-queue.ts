import type { Database, Key } from 'lmdb';

interface OwnerState {
  /** Jobs that wait. */
  ready: number;
  /** Jobs that run. */
  running: number;
  /** When the owner was last served, in turns of the whole queue. */
  turn: number;
  /** Rank of the owner's place in the ring; `undefined` when it has none. */
  rank: number | undefined;
  /** It runs as many jobs as it may; one of them must end first. */
  parked: boolean;
}

/** Where a job stands in its owner's line: first by rank (low first), then by number. */
export interface Place {
  readonly owner: string;
  readonly rank: number;
  readonly number: number;
}

const last = '\uffff';

/**
 * Who is next, in O(log n): each owner has an ordered line of waiting jobs, and the owners that may be served stand in a
 * ring, ordered by the rank of their first job and then by who was served longest ago. Call inside a transaction.
 */
export class JobQueue {
  readonly #table: Database<unknown, Key>;

  constructor(table: Database<unknown, Key>) {
    this.#table = table;
  }

  /** True when somebody may be served. Also outside a transaction. */
  get hasNext(): boolean {
    return this.#first(['ring']) !== undefined;
  }

  /** Waiting jobs of one owner. */
  readyOf(owner: string): number {
    return this.#owner(owner).ready;
  }

  add({ owner, rank, number }: Place, id: string): void {
    const state = this.#owner(owner);
    this.#table.put(['ready', owner, rank, number], id);
    state.ready++;
    if (state.rank === undefined || rank < state.rank) this.#stand(owner, state, rank);
    else this.#table.put(['owner', owner], state);
  }

  /** Takes a waiting job out of its line. */
  remove({ owner, rank, number }: Place): void {
    const state = this.#owner(owner);
    this.#table.remove(['ready', owner, rank, number]);
    state.ready--;
    this.#stand(owner, state, this.#firstRank(owner));
  }

  /** Takes the next job to run; `undefined` when nobody may be served. */
  take(perOwner: number, turn: number): string | undefined {
    for (;;) {
      const next = this.#first(['ring']);
      if (next === undefined) return undefined;
      const owner = next[3] as string;
      const state = this.#owner(owner);
      if (state.running >= perOwner) {
        state.parked = true;
        this.#stand(owner, state, undefined);
        continue;
      }
      const ready = this.#first(['ready', owner])!;
      const id = this.#table.get(ready) as string;
      this.#table.remove(ready);
      state.ready--;
      state.running++;
      this.#stand(owner, state, this.#firstRank(owner), turn);
      return id;
    }
  }

  /** A job that ran ended, or went back to its line. */
  ended(owner: string): void {
    const state = this.#owner(owner);
    state.running--;
    state.parked = false;
    this.#stand(owner, state, this.#firstRank(owner));
  }

  /** Gives the owner its place in the ring, or none; forgets an owner that has nothing here any more. */
  #stand(owner: string, state: OwnerState, rank: number | undefined, turn = state.turn): void {
    if (state.rank !== undefined) this.#table.remove(['ring', state.rank, state.turn, owner]);
    state.turn = turn;
    state.rank = state.parked ? undefined : rank;
    if (state.rank !== undefined) this.#table.put(['ring', state.rank, turn, owner], 1);
    if (state.ready === 0 && state.running === 0) this.#table.remove(['owner', owner]);
    else this.#table.put(['owner', owner], state);
  }

  /** A newcomer stands behind everyone who waits for this turn. */
  #owner(owner: string): OwnerState {
    const stored = this.#table.get(['owner', owner]) as OwnerState | undefined;
    return stored ?? { ready: 0, running: 0, turn: this.#lastTurn(), rank: undefined, parked: false };
  }

  #lastTurn(): number {
    return (this.#table.get('turn') as number | undefined) ?? 0;
  }

  #firstRank(owner: string): number | undefined {
    return this.#first(['ready', owner])?.[2] as number | undefined;
  }

  #first(prefix: string[]): (string | number)[] | undefined {
    for (const key of this.#table.getKeys({ start: prefix, end: [...prefix, last], limit: 1 })) {
      return key as (string | number)[];
    }
    return undefined;
  }
}
