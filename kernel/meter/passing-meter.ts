import type { Transform } from 'node:stream';
import { type Dialect, getHeader, type MaybePromise } from '../../plugin-sdk/index.ts';
import { createDecoder } from './decoder.ts';
import { EventReader, JsonReader, type Notes, type Reader } from './reading.ts';

/** Compressed bytes that may wait for their decoder; beyond, the body waits too. */
const waitingBytes = 1_048_576;

/**
 * Reads usage and finish from a body on its way to the client, without changing it. A compressed body is decoded on a
 * copy, as it passes. Memory is bounded whatever the size of the body.
 */
export class PassingMeter {
  /** Calls back when a `push` that returned false has been taken in. */
  onDrain: (() => void) | undefined = undefined;
  readonly #reader: Reader;
  readonly #decoder: Transform | undefined;
  readonly #decoded: Promise<void> | undefined;

  constructor(reader: Reader, decoder: Transform | undefined) {
    this.#reader = reader;
    this.#decoder = decoder;
    if (decoder === undefined) return;
    this.#decoded = new Promise((resolve) => {
      decoder.on('data', (chunk: Buffer) => reader.push(chunk));
      decoder.on('drain', () => this.onDrain?.());
      decoder.on('end', () => {
        reader.end();
        resolve();
      });
      // A coding that turns out broken leaves what was read until then.
      decoder.on('error', () => {
        this.onDrain?.();
        resolve();
      });
      decoder.on('close', resolve);
    });
  }

  /** The bytes say themselves that they are complete. */
  get complete(): boolean {
    return this.#reader.complete;
  }

  /** False asks for a pause until `onDrain`. */
  push(chunk: Buffer): boolean {
    const decoder = this.#decoder;
    if (decoder === undefined) {
      this.#reader.push(chunk);
      return true;
    }
    if (decoder.destroyed) return true;
    decoder.write(chunk);
    return decoder.writableLength < waitingBytes;
  }

  /** The body is over: reads what is left. Resolves when everything is read. */
  end(): MaybePromise<void> {
    if (this.#decoder === undefined) {
      this.#reader.end();
      return undefined;
    }
    this.#decoder.end();
    return this.#decoded;
  }

  /** Nobody wants to know any more. */
  close(): void {
    this.#decoder?.destroy();
  }
}

/** A meter for a reply with these headers; undefined for a body that says nothing of usage. */
export function meterFor(
  dialect: Dialect,
  provider: string,
  headers: readonly string[],
  notes: Notes,
  aligned: boolean,
): PassingMeter | undefined {
  const type = getHeader(headers, 'content-type') ?? '';
  const reader = isEventStream(type)
    ? new EventReader(dialect, provider, notes, aligned)
    : type.includes('json') && !/jsonl|x-ndjson/.test(type)
      ? new JsonReader(dialect, notes)
      : undefined;
  if (reader === undefined) return undefined;
  const encoding = contentCoding(headers);
  if (encoding === undefined) return new PassingMeter(reader, undefined);
  const decoder = createDecoder(encoding);
  return decoder === undefined ? undefined : new PassingMeter(reader, decoder);
}

export function isEventStream(contentType: string): boolean {
  return /^text\/event-stream\b/i.test(contentType);
}

/** The content-encoding of a body that is not in plain form. */
export function contentCoding(headers: readonly string[]): string | undefined {
  const encoding = getHeader(headers, 'content-encoding');
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}
