import { Readable } from 'node:stream';

/** A request body that comes in more than one read, at the pace of its reader. */
export class RequestBody extends Readable {
  /** All of it has come. */
  complete = false;
  readonly #resume: () => void;

  /** `resume`: asks for more, after {@link add} gave false. */
  constructor(resume: () => void) {
    super();
    this.#resume = resume;
  }

  /** Takes what has come. False asks for a pause. */
  add(bytes: Buffer, isLast: boolean): boolean {
    const wantsMore = this.push(bytes);
    if (isLast) {
      this.complete = true;
      this.push(null);
    }
    return wantsMore;
  }

  override _read(): void {
    this.#resume();
  }
}
