import { crc32 } from 'node:zlib';
import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { Emit, Framer, FramerLimits } from './framer.ts';
import { HeldBytes } from './held-bytes.ts';

const preludeLength = 12;
/** Prelude and the checksum at the end: a frame without headers and payload. */
const emptyLength = 16;
const maxHeaderBytes = 128 * 1024;
const maxPayloadBytes = 24 * 1024 * 1024;
/** Bytes of a header's value by its type number; -1 means that a u16 length comes first. */
const valueLengths = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16] as const;
const stringType = 7;

/**
 * `application/vnd.amazon.eventstream` (Bedrock). A frame is
 * `[length u32][headers length u32][crc32 of these 8 bytes][headers][payload][crc32 of all before]`, big-endian.
 * Exceptions and errors come inside a 200 answer as frames of their own; they are emitted with `exception: true`.
 */
export class AwsEventStreamFramer implements Framer {
  readonly #provider: string;
  readonly #maxEventBytes: number;
  readonly #held = new HeldBytes();
  /** Length of the frame in `#held`, once its prelude is there. */
  #heldFrameLength = 0;

  constructor(limits: FramerLimits) {
    this.#provider = limits.provider;
    this.#maxEventBytes = limits.maxEventBytes ?? maxPayloadBytes;
  }

  push(chunk: Buffer, emit: Emit): void {
    let at = this.#fillHeld(chunk, emit);
    while (chunk.length - at >= preludeLength) {
      const length = this.#frameLength(chunk, at);
      if (chunk.length - at < length) break;
      emit(this.#frame(chunk, at, length));
      at += length;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
  }

  end(): void {
    if (this.#held.length > 0) throw new GatewayError('UP_STREAM_CUT', { provider: this.#provider });
  }

  /** Completes the frame that an earlier chunk began. Returns how many bytes of this chunk that took. */
  #fillHeld(chunk: Buffer, emit: Emit): number {
    const held = this.#held;
    let at = 0;
    while (held.length > 0 && at < chunk.length) {
      const wanted = held.length < preludeLength ? preludeLength : this.#heldFrameLength;
      const end = Math.min(chunk.length, at + wanted - held.length);
      this.#hold(chunk, at, end);
      at = end;
      if (held.length >= preludeLength && held.length === this.#heldFrameLength) {
        const event = this.#frame(held.bytes, 0, held.length);
        held.clear();
        emit(event);
      }
    }
    return at;
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const before = this.#held.length;
    this.#held.append(chunk, start, end);
    if (before < preludeLength && this.#held.length >= preludeLength) {
      this.#heldFrameLength = this.#frameLength(this.#held.bytes, 0);
    }
  }

  /** Verified before anything is kept, so that broken bytes cannot announce a frame that never ends. */
  #frameLength(bytes: Buffer, at: number): number {
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8))
      this.#bad('a frame with a wrong checksum of its lengths');
    const length = bytes.readUInt32BE(at);
    const headersLength = bytes.readUInt32BE(at + 4);
    if (length < emptyLength + headersLength || headersLength > maxHeaderBytes)
      this.#bad('a frame with impossible lengths');
    if (length - headersLength - emptyLength > this.#maxEventBytes) {
      throw new GatewayError('UP_EVENT_TOO_LARGE', { provider: this.#provider, limit: this.#maxEventBytes });
    }
    return length;
  }

  #frame(bytes: Buffer, at: number, length: number): FramedEvent {
    const end = at + length - 4;
    if (crc32(bytes.subarray(at, end)) !== bytes.readUInt32BE(end)) this.#bad('a frame with a wrong checksum');
    const payload = at + preludeLength + bytes.readUInt32BE(at + 4);
    const headers = this.#headers(bytes, at + preludeLength, payload);
    const data = bytes.toString('utf8', payload, end);
    switch (headers[':message-type']) {
      case 'exception':
        return named(headers[':exception-type'], data, true);
      case 'error':
        return named(
          headers[':error-code'],
          data || JSON.stringify({ message: headers[':error-message'] ?? '' }),
          true,
        );
      default:
        return named(headers[':event-type'], data, false);
    }
  }

  /** The headers that are strings; no other kind says anything about the event. */
  #headers(bytes: Buffer, start: number, end: number): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {};
    let at = start;
    while (at < end) {
      const nameStart = at + 1;
      const nameEnd = nameStart + bytes[at]!;
      if (nameEnd >= end) this.#bad('a frame with a cut header');
      const type = bytes[nameEnd]!;
      const fixed = valueLengths[type];
      if (fixed === undefined) this.#bad(`a frame with a header of type ${type}`);
      const valueStart = nameEnd + (fixed === -1 ? 3 : 1);
      const valueEnd =
        valueStart > end ? valueStart : valueStart + (fixed === -1 ? bytes.readUInt16BE(nameEnd + 1) : fixed);
      if (valueEnd > end) this.#bad('a frame with a cut header');
      if (type === stringType)
        headers[bytes.toString('utf8', nameStart, nameEnd)] = bytes.toString('utf8', valueStart, valueEnd);
      at = valueEnd;
    }
    return headers;
  }

  #bad(reason: string): never {
    throw new GatewayError('UP_BAD_BODY', { provider: this.#provider, reason: `it has ${reason}` });
  }
}

function named(name: string | undefined, data: string, exception: boolean): FramedEvent {
  if (exception) return name === undefined ? { data, exception } : { name, data, exception };
  return name === undefined ? { data } : { name, data };
}
