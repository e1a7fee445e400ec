import type { Socket } from 'node:net';
import type { FlatHeaders } from '../../plugin-sdk/index.ts';
import { dial, type Target } from './dial.ts';
import { MalformedReply } from './malformed-reply.ts';
import type { ReplyHead } from './reply-head.ts';
import { type ReplyHandler, ReplyReader } from './reply-reader.ts';
import type { WireRequest } from './wire-request.ts';
import { type UploadProgress, writeRequest } from './write-request.ts';

/** A call that was on its way for longer had reached an upstream, which may have begun to work on it. */
const crossingMs = 1_000;

/** How a connection ends that was closed elsewhere. */
const closedElsewhere: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE']);

/** The one call that a connection serves at a time. After `onEnd` or `onError` nothing more is called. */
export interface ConnectionCall extends ReplyHandler {
  /** A piece of a streamed request body went out. */
  onBodySent(): void;
  onError(failure: ConnectionFailure): void;
}

export interface ConnectionFailure {
  readonly cause: Error;
  /** The connection stood before it failed. */
  readonly wasOpen: boolean;
  /**
   * A kept connection was closed elsewhere, soon after the call was written to it and before a byte of an answer came. An
   * upstream may close an idle connection at the very moment at which the next call is on its way; that says nothing
   * about the upstream, and the call may be made once more.
   */
  readonly crossed: boolean;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** The reply is complete, and another call may follow within `keptMs`. */
  released(connection: Connection, keptMs: number): void;
  closed(connection: Connection): void;
}

/** One HTTP/1.1 connection to an upstream: one call at a time, and a next one when the last is complete. */
export class Connection implements ReplyHandler, UploadProgress {
  /** When an idle connection is given up: milliseconds, monotonic. The pool's to keep. */
  expiresAt = 0;
  /** What opening it took, in milliseconds, as long as it serves the call that it was opened for. */
  connectMs: number | undefined = undefined;
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  #call: ConnectionCall | undefined = undefined;
  #reader: ReplyReader | undefined = undefined;
  /** Stops a streamed request body; undefined when all of it is written. */
  #stopUpload: (() => void) | undefined = undefined;
  #keptMs = 0;
  #calls = 0;
  #sentAt = 0;
  #wasOpen = false;
  #answered = false;
  #failure: Error | undefined = undefined;

  constructor(target: Target, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#socket = dial(target, this.#onRead)
      .once(target.isSecure ? 'secureConnect' : 'connect', this.#onOpen)
      .on('error', this.#onError)
      .on('end', this.#onEnd)
      .on('close', this.#onClose);
  }

  /** Writes a call. The connection must be fresh or released. */
  send(request: WireRequest, call: ConnectionCall): void {
    if (this.#calls > 0) {
      this.#socket.ref();
      this.connectMs = undefined;
    }
    this.#call = call;
    this.#reader = new ReplyReader(request.method, this);
    this.#calls += 1;
    this.#answered = false;
    this.#sentAt = performance.now();
    this.#stopUpload = writeRequest(this.#socket, request, this);
  }

  /** Another call may be written, as far as is known here. */
  get isOpen(): boolean {
    return this.#socket.readable && this.#socket.writable;
  }

  /** Reads no more for now. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  /** Ends the connection; its call hears nothing more. */
  destroy(): void {
    this.#detach();
    this.#socket.destroy();
  }

  /** Ends the connection and fails its call. */
  cut(cause: Error): void {
    const call = this.#call;
    const wasOpen = this.#wasOpen;
    const isYoung = performance.now() - this.#sentAt <= crossingMs;
    const { code } = cause as NodeJS.ErrnoException;
    const crossed = this.#calls > 1 && !this.#answered && isYoung && closedElsewhere.has(code);
    this.destroy();
    call?.onError({ cause, wasOpen, crossed });
  }

  onHead(head: ReplyHead): void {
    this.#keptMs = head.keptMs;
    this.#call?.onHead(head);
  }

  onData(bytes: Buffer): void {
    this.#call?.onData(bytes);
  }

  onEnd(trailers: FlatHeaders): void {
    const call = this.#call;
    // An answer that came before the whole request was read: what follows on this connection would be taken for the rest.
    const isReusable = this.#keptMs > 0 && this.#stopUpload === undefined && this.#socket.writableLength === 0;
    this.#detach();
    if (isReusable) this.#release();
    else this.#socket.destroy();
    call?.onEnd(trailers);
  }

  onBodySent(): void {
    this.#call?.onBodySent();
  }

  onBodyEnd(): void {
    this.#stopUpload = undefined;
  }

  onBodyError(error: Error): void {
    this.cut(error);
  }

  #onRead = (bytes: Buffer): void => {
    const reader = this.#reader;
    this.#answered = true;
    // Said without having been asked.
    if (reader === undefined) return this.destroy();
    try {
      if (reader.read(bytes)) this.cut(new MalformedReply('more came than the reply'));
    } catch (error) {
      this.cut(error as Error);
    }
  };

  #onOpen = (): void => {
    this.#wasOpen = true;
    this.connectMs = performance.now() - this.#sentAt;
  };

  /** The upstream will say no more. */
  #onEnd = (): void => {
    if (this.#reader?.closed() === true) return;
    this.cut(this.#failure ?? closed());
  };

  #onError = (error: Error): void => {
    this.#failure ??= error;
  };

  #onClose = (): void => {
    this.cut(this.#failure ?? closed());
    this.#owner.closed(this);
  };

  #release(): void {
    // Its reader may have had enough of the last bytes; an idle connection is read, to hear when it ends.
    if (this.#socket.isPaused()) this.#socket.resume();
    // Nobody waits for it: a process that has nothing else to do may end.
    this.#socket.unref();
    this.#owner.released(this, this.#keptMs);
  }

  #detach(): void {
    this.#reader?.stop();
    this.#stopUpload?.();
    this.#call = undefined;
    this.#reader = undefined;
    this.#stopUpload = undefined;
  }
}

function closed(): Error {
  return Object.assign(new Error('it was closed by the other side'), { code: 'ECONNRESET' });
}
