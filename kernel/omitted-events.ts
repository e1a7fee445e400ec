import type { Flow, OmittedEvents, Sink } from '../plugin-sdk/index.ts';
import { searchFor } from '../plugin-sdk/json-bytes/index.ts';
import { EventBoundary } from './framing/boundary.ts';
import { createFramer } from './framing/create-framer.ts';
import { eventEnd, eventStart } from './framing/event-search.ts';

/** A carried event stream without the events that a plugin leaves out; all others byte for byte. */
export function withoutEvents(flow: Flow<Buffer>, omits: OmittedEvents, provider: string): Flow<Buffer> {
  return {
    resume: () => flow.resume(),
    abort: (reason) => flow.abort(reason),
    start(sink) {
      flow.start(new Omitting(sink, omits, provider));
    },
  };
}

class Omitting implements Sink<Buffer> {
  readonly #sink: Sink<Buffer>;
  readonly #omits: OmittedEvents;
  readonly #provider: string;
  readonly #boundary = new EventBoundary();
  /** What was left out last ended in a CR at the end of its chunk: a line feed that follows is part of it. */
  #owesLineFeed = false;

  constructor(sink: Sink<Buffer>, omits: OmittedEvents, provider: string) {
    this.#sink = sink;
    this.#omits = omits;
    this.#provider = provider;
  }

  push(chunk: Buffer): boolean {
    const whole = this.#boundary.push(chunk);
    return whole === undefined || this.#pass(whole);
  }

  end(): void {
    const tail = this.#boundary.tail();
    try {
      if (tail.length > 0) this.#pass(tail);
    } catch (cause) {
      return this.#sink.fail(cause as Error);
    }
    this.#sink.end();
  }

  fail(error: Error): void {
    this.#sink.fail(error);
  }

  #pass(whole: Buffer): boolean {
    const search = searchFor(this.#omits.needles);
    const text = whole.toString('latin1');
    let passed = this.#owesLineFeed && text[0] === '\n' ? 1 : 0;
    this.#owesLineFeed = false;
    let ready = true;
    for (let at = passed; at < text.length; ) {
      const found = text.slice(at).search(search);
      if (found === -1) break;
      const end = eventEnd(text, at + found);
      const start = eventStart(text, at + found);
      at = end;
      if (!this.#isOmitted(whole.subarray(start, end))) continue;
      if (start > passed) ready = this.#sink.push(whole.subarray(passed, start));
      passed = end;
      this.#owesLineFeed = end === text.length && text.endsWith('\r');
    }
    if (passed === 0) return this.#sink.push(whole);
    return passed < whole.length ? this.#sink.push(whole.subarray(passed)) : ready;
  }

  #isOmitted(bytes: Buffer): boolean {
    const framer = createFramer('sse', { provider: this.#provider });
    let omitted = false;
    const look = (event: Parameters<OmittedEvents['test']>[0]): void => {
      omitted = this.#omits.test(event);
    };
    framer.push(bytes, look);
    framer.end(look);
    return omitted;
  }
}
