import type { Emit, FramerLimits } from './framer.ts';
import { LineFramer } from './line-framer.ts';

const carriageReturn = 13;
const space = 32;
const tab = 9;

/** One JSON text per line, ended by LF or CRLF (Ollama). Blank lines are passed over; the last line needs no end. */
export class NdjsonFramer extends LineFramer {
  constructor(limits: FramerLimits) {
    super(limits, false);
  }

  protected override line(bytes: Buffer, start: number, end: number, emit: Emit): void {
    let last = end;
    while (last > start && isBlank(bytes[last - 1])) last--;
    if (last > start) emit({ data: bytes.toString('utf8', start, last) });
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === carriageReturn || byte === tab;
}
