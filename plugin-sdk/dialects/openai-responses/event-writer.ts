import type { JsonObject } from '../../json.ts';

/** Writes events with their names and one rising sequence number. */
export class EventWriter {
  #sequence = 0;

  event(type: string, payload: JsonObject): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, ...payload, sequence_number: this.#sequence++ })}\n\n`;
  }

  /** The parts of a frequent event around its delta; see {@link EventWriter.delta}. */
  template(type: string, place: JsonObject): readonly [string, string] {
    const rest = JSON.stringify(place).slice(1, -1);
    return [`event: ${type}\ndata: {"type":"${type}","delta":`, `,${rest},"sequence_number":`];
  }

  delta([before, after]: readonly [string, string], text: string): string {
    return `${before}${JSON.stringify(text)}${after}${this.#sequence++}}\n\n`;
  }
}
