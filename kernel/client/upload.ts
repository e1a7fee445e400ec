import { Readable } from 'node:stream';
import { GatewayError } from '../../plugin-sdk/index.ts';
import { noteRead } from '../buffer-garbage.ts';
import { Deadline } from '../deadline.ts';
import type { IncomingBody } from './incoming-body.ts';

/**
 * A request body on its way: its head first, then what still comes, at the pace of its reader. Giving it up does not
 * break the client's connection, so that a reply may still be written to it.
 */
export class Upload extends Readable {
  readonly #incoming: IncomingBody;
  readonly #limit: number;
  readonly #silenceMs: number;
  #silence: Deadline | undefined = undefined;
  #size: number;

  /**
   * `limit`: bytes in all; a body that has more fails with GatewayError REQ_TOO_LARGE. `silenceMs`: how long the client
   * may send nothing while it is read, before the body fails with REQ_TIMEOUT.
   */
  constructor(head: Buffer, incoming: IncomingBody, limit: number, silenceMs: number) {
    super({ highWaterMark: 65_536 });
    this.#incoming = incoming;
    this.#limit = limit;
    this.#size = head.length;
    this.#silenceMs = silenceMs;
    this.push(head);
    incoming.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    incoming.pause();
    // It may break before anyone reads it; whoever does listens too.
    this.on('error', () => {});
  }

  override _read(): void {
    if (this.#silence === undefined) this.#silence = new Deadline(this.#silenceMs, this.#onSilence);
    else this.#silence.touch();
    this.#incoming.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const incoming = this.#incoming;
    this.#silence?.stop();
    incoming.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    // The rest is read and dropped: a client that still writes would not see the reply.
    incoming.resume();
    done(error);
  }

  #onData = (chunk: Buffer): void => {
    this.#size += chunk.length;
    this.#silence?.touch();
    noteRead(chunk.length);
    if (this.#size > this.#limit) this.destroy(new GatewayError('REQ_TOO_LARGE', { limit: this.#limit }));
    else if (!this.push(chunk)) this.#incoming.pause();
  };

  #onEnd = (): void => {
    this.#silence?.stop();
    this.push(null);
  };

  #onSilence = (): void => {
    this.#silence = undefined;
    // The client is not to blame while nobody reads.
    if (!this.#incoming.isPaused()) this.destroy(new GatewayError('REQ_TIMEOUT', { ms: this.#silenceMs }));
  };

  #onClose = (): void => {
    this.#silence?.stop();
    if (!this.#incoming.complete) this.destroy(new GatewayError('CLIENT_GONE', {}));
  };
}
