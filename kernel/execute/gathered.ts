import type { Flow, Sink } from '../../plugin-sdk/index.ts';

/** The start of a body, held until it is complete or proves too large to hold; then it flows on from its first byte. */
export class Gathered implements Sink<Buffer> {
  readonly #source: Flow<Buffer>;
  readonly #limit: number;
  readonly #decided: (whole: Buffer | undefined, error?: Error) => void;
  #chunks: Buffer[] = [];
  #size = 0;
  #next: Sink<Buffer> | undefined = undefined;

  /** `decided` is told the whole body, or nothing when there is more than `limit` bytes, or why it broke off. */
  constructor(source: Flow<Buffer>, limit: number, decided: (whole: Buffer | undefined, error?: Error) => void) {
    this.#source = source;
    this.#limit = limit;
    this.#decided = decided;
    source.start(this);
  }

  push(chunk: Buffer): boolean {
    if (this.#next !== undefined) return this.#next.push(chunk);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= this.#limit) return true;
    this.#decided(undefined);
    return false;
  }

  end(): void {
    if (this.#next !== undefined) this.#next.end();
    else this.#decided(Buffer.concat(this.#chunks));
  }

  fail(error: Error): void {
    if (this.#next !== undefined) this.#next.fail(error);
    else this.#decided(undefined, error);
  }

  /** Goes on into a sink that takes everything from the first byte on. */
  into(sink: Sink<Buffer>): void {
    this.#next = sink;
    let ready = true;
    for (const chunk of this.#chunks) ready = sink.push(chunk);
    this.#chunks = [];
    if (ready) this.#source.resume();
  }
}
