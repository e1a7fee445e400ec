import type { EventQuirks, FramedEvent, JsonObject, ReplyQuirks, Sink } from '../../plugin-sdk/index.ts';
import { EventBoundary } from '../framing/boundary.ts';
import { createFramer } from '../framing/create-framer.ts';
import type { Framer } from '../framing/framer.ts';
import { mayConcern } from './quirks.ts';

/**
 * Rewrites the events of an SSE stream that a provider's quirks concern, before anything reads them; bytes in which
 * there is nothing to change pass as they are. Gives the next sink itself when the quirks do not look at events.
 */
export function quirkedStream(next: Sink<Buffer>, provider: string, quirks: ReplyQuirks | undefined): Sink<Buffer> {
  const looks = quirks?.json !== undefined || quirks?.stream !== undefined;
  return looks ? new QuirkedStream(next, provider, quirks) : next;
}

class QuirkedStream implements Sink<Buffer> {
  readonly #next: Sink<Buffer>;
  readonly #quirks: ReplyQuirks;
  readonly #ofStream: EventQuirks | undefined;
  readonly #boundary = new EventBoundary();
  readonly #framer: Framer;

  constructor(next: Sink<Buffer>, provider: string, quirks: ReplyQuirks) {
    this.#next = next;
    this.#quirks = quirks;
    this.#ofStream = quirks.stream?.();
    this.#framer = createFramer('sse', { provider });
  }

  push(chunk: Buffer): boolean {
    const whole = this.#boundary.push(chunk);
    return whole === undefined ? true : this.#pass(whole);
  }

  end(): void {
    const tail = this.#boundary.tail();
    if (tail.length > 0) this.#pass(Buffer.concat([tail, Buffer.from('\n\n')]));
    this.#next.end();
  }

  fail(error: Error): void {
    this.#next.fail(error);
  }

  #pass(whole: Buffer): boolean {
    if (this.#ofStream?.watches !== true && !mayConcern(this.#quirks, whole)) return this.#next.push(whole);
    let text = '';
    try {
      this.#framer.push(whole, (event) => {
        text += written(event, this.#fixed(event.data));
      });
    } catch (error) {
      this.#next.fail(error as Error);
      return false;
    }
    return text === '' ? true : this.#next.push(Buffer.from(text));
  }

  #fixed(data: string): string {
    if (data[0] !== '{') return data;
    let json: JsonObject;
    try {
      json = JSON.parse(data) as JsonObject;
    } catch {
      // Whoever reads the stream says what is wrong with it.
      return data;
    }
    const alone = this.#quirks.json?.(json, 'event');
    const fixed = this.#ofStream?.event(alone ?? json) ?? alone;
    return fixed === undefined ? data : JSON.stringify(fixed);
  }
}

function written({ name, id }: FramedEvent, data: string): string {
  const head = `${name === undefined ? '' : `event: ${name}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
  return `${head}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`;
}
