import { closeSync, createWriteStream, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { Clock, Logger } from '../../plugin-sdk/index.ts';
import type { AccessLogOptions } from './options.ts';

/** Output that is not taken any more than this far behind is thrown away, and the number of lost lines is logged. */
const maxBehindBytes = 16 * 1024 * 1024;

/** More than any line has: its texts are cut to some hundred characters each. */
const longestLineBytes = 16_384;
/** Of a UTF-16 code unit in UTF-8. */
const mostBytesPerUnit = 3;
/** Time until a file that could not be written is tried again. */
const againMs = 3_000;

/**
 * Collects lines and writes them together: when there are many, after a moment, on close, and when the process exits.
 * A reader that does not read, or a full disk, costs lines but never a request; a file is opened again after a while.
 */
export class LineWriter {
  readonly #options: AccessLogOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #fd: number;
  #output: Writable;
  readonly #ownsOutput: boolean;
  /** Lines as bytes, so that what waits is one object to the garbage collector. */
  #buffer: Buffer;
  #used = 0;
  #lost = 0;
  #failed = false;
  #triedAt = 0;
  /** It failed, and nothing was written since. */
  #isDown = false;
  #stopTimer: (() => void) | undefined;
  readonly #onExit = (): void => this.#flushAtExit();

  /** Throws when the destination cannot be opened. */
  constructor(options: AccessLogOptions, clock: Clock, log: Logger) {
    this.#options = options;
    this.#buffer = emptyBuffer(options);
    this.#clock = clock;
    this.#log = log;
    this.#ownsOutput = options.destination !== 'stdout';
    this.#fd = this.#ownsOutput ? openFile(options.destination) : process.stdout.fd;
    this.#output = this.#ownsOutput ? this.#stream() : process.stdout;
    process.once('exit', this.#onExit);
  }

  write(line: string): void {
    if (this.#used + line.length * mostBytesPerUnit > this.#buffer.length) this.#flush();
    this.#used += this.#buffer.write(line, this.#used);
    if (this.#used >= this.#options.bufferBytes) this.#flush();
    else this.#stopTimer ??= this.#clock.after(this.#options.flushMs, () => this.#flush());
  }

  async close(): Promise<void> {
    this.#flush();
    process.off('exit', this.#onExit);
    if (this.#lost > 0) this.#log.warn({ lines: this.#lost }, 'lines of the access log were lost');
    if (this.#ownsOutput && !this.#failed) await new Promise<void>((done) => this.#output.end(done));
  }

  #flush(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const bytes = this.#buffer.subarray(0, this.#used);
    if (bytes.length === 0) return;
    this.#used = 0;
    if ((this.#failed && !this.#reopened()) || this.#output.writableLength > maxBehindBytes) {
      this.#lost += bytes.toString('latin1').split('\n').length - 1;
      return;
    }
    // The output holds on to what it was given until it is written.
    if (bytes.length < this.#buffer.length / 2) this.#output.write(Buffer.from(bytes), this.#onWritten);
    else {
      this.#buffer = emptyBuffer(this.#options);
      this.#output.write(bytes, this.#onWritten);
    }
  }

  /** Streams are not flushed any more when the process exits; a synchronous write is. */
  #flushAtExit(): void {
    // Once destroyed its descriptor may be another file's.
    if (this.#used === 0 || this.#output.destroyed) return;
    try {
      writeSync(this.#fd, this.#buffer, 0, this.#used);
    } catch {
      // Nobody is left to tell.
    }
    this.#used = 0;
  }

  #stream(): Writable {
    return createWriteStream('', { fd: this.#fd }).on('error', (cause) => this.#fail(cause));
  }

  #fail(cause: Error): void {
    this.#failed = true;
    this.#triedAt = this.#clock.monotonic();
    if (this.#isDown) return;
    this.#isDown = true;
    const { destination } = this.#options;
    this.#log.error({ err: cause, destination }, 'the access log cannot be written; its lines are lost until it can');
  }

  #reopened(): boolean {
    if (this.#clock.monotonic() - this.#triedAt < againMs) return false;
    this.#triedAt = this.#clock.monotonic();
    const { destination } = this.#options;
    try {
      // The last line may have been written in part.
      const isTorn = !endsWithLine(destination);
      this.#fd = openFile(destination);
      this.#output = this.#stream();
      if (isTorn) this.#output.write('\n');
    } catch {
      return false;
    }
    this.#failed = false;
    return true;
  }

  #onWritten = (cause?: Error | null): void => {
    if (cause != null || !this.#isDown) return;
    this.#isDown = false;
    this.#log.warn({ lines: this.#lost }, 'the access log is written again');
  };
}

function endsWithLine(path: string): boolean {
  const { size } = statSync(path);
  if (size === 0) return true;
  const file = openSync(path, 'r');
  const last = Buffer.alloc(1);
  try {
    return readSync(file, last, 0, 1, size - 1) === 0 || last[0] === 10;
  } finally {
    closeSync(file);
  }
}

function emptyBuffer({ bufferBytes }: AccessLogOptions): Buffer {
  return Buffer.allocUnsafeSlow(bufferBytes + longestLineBytes);
}

/** Opened at once, so that a place that cannot be written is told when the plugin is set up. */
function openFile(destination: string): number {
  const path = resolve(destination);
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', 0o640);
  } catch (cause) {
    throw new Error(`its destination cannot be written (${(cause as Error).message})`, { cause });
  }
}
