import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import type { Emit, FramerLimits } from './framer.ts';
import { LineFramer } from './line-framer.ts';

const colon = 58;
const space = 32;
const dataField = Buffer.from('data');
const eventField = Buffer.from('event');
const idField = Buffer.from('id');

/**
 * Server-sent events (WHATWG HTML, 9.2.6), with two differences that SDKs share: an event that the stream's end cuts
 * off from its blank line still counts, and `id` is the event's own, not the last one seen.
 * Comments, `retry` and unknown fields are passed over; an event without a data field is none.
 */
export class SseFramer extends LineFramer {
  #name: string | undefined;
  #id: string | undefined;
  #data: string | undefined;
  #dataBytes = 0;

  constructor(limits: FramerLimits) {
    super(limits, true);
  }

  override end(emit: Emit): void {
    super.end(emit);
    this.#dispatch(emit);
  }

  protected override line(bytes: Buffer, start: number, end: number, emit: Emit): void {
    if (start === end) {
      this.#dispatch(emit);
      return;
    }
    let value = valueStart(dataField, bytes, start, end);
    if (value !== -1) {
      this.#dataBytes += end - start;
      if (this.#dataBytes > this.maxEventBytes) this.tooLarge();
      const text = bytes.toString('utf8', value, end);
      this.#data = this.#data === undefined ? text : `${this.#data}\n${text}`;
      return;
    }
    value = valueStart(eventField, bytes, start, end);
    if (value !== -1) {
      this.#name = value === end ? undefined : bytes.toString('utf8', value, end);
      return;
    }
    value = valueStart(idField, bytes, start, end);
    if (value !== -1) {
      const id = bytes.toString('utf8', value, end);
      if (!id.includes('\0')) this.#id = id;
    }
  }

  #dispatch(emit: Emit): void {
    const data = this.#data;
    const name = this.#name;
    const id = this.#id;
    this.#data = this.#name = this.#id = undefined;
    this.#dataBytes = 0;
    if (data !== undefined) emit(eventOf(name, data, id));
  }
}

function eventOf(name: string | undefined, data: string, id: string | undefined): FramedEvent {
  if (id === undefined) return name === undefined ? { data } : { name, data };
  return name === undefined ? { data, id } : { name, data, id };
}

/** Where the value of this field starts in the line, or -1 if the line is another field. */
function valueStart(field: Buffer, bytes: Buffer, start: number, end: number): number {
  let at = start;
  for (let index = 0; index < field.length; index++, at++) {
    if (bytes[at] !== field[index]) return -1;
  }
  if (at >= end) return at === end ? end : -1;
  if (bytes[at] !== colon) return -1;
  at++;
  return at < end && bytes[at] === space ? at + 1 : at;
}
