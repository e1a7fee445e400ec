import type { Socket } from 'node:net';
import { noteRead } from '../../buffer-garbage.ts';
import { closeInSteps } from '../linger.ts';
import { type CallersConnection, DirectClient } from './direct-client.ts';
import { RequestBody } from './request-body.ts';
import { HeadReader } from './request-head.ts';

/** Most bytes that are held of a next request while one is answered; then nothing is read for a while. */
const mostEarlyBytes = 65_536;
const none = Buffer.alloc(0);

/** What a connection asks of its server. */
export interface DirectOwner {
  readonly headerBytes: number;
  /** Starts an exchange. False when the request is for nobody here; nothing was read or written then. */
  serve(client: DirectClient): boolean;
  /** Seconds that a connection may wait for its next request; 0 when none should follow. */
  keptSeconds(): number;
  /** Node's server takes the connection from here, with what was read and not served. */
  handOver(connection: DirectConnection, unread: readonly Buffer[]): void;
  closed(connection: DirectConnection): void;
}

/**
 * A connection whose requests are read and answered here, without node's request and response objects, as long as they are
 * of the plain kind that {@link HeadReader} knows. With the first other one, or what could be one, the connection is
 * node's for good.
 */
export class DirectConnection implements CallersConnection {
  readonly socket: Socket;
  readonly #owner: DirectOwner;
  readonly #heads = new HeadReader();
  #client: DirectClient | undefined = undefined;
  /** What has come of the body: its bytes as long as nobody reads them, then their reader. */
  #body: Buffer | RequestBody = none;
  /** Bytes of the body still to come. */
  #missing = 0;
  /** What came behind the request that is answered. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  /** The response says that the connection ends with it. */
  #isLast = false;
  /** All of the response was given to the socket. */
  #isFinished = false;
  /** All of it was sent, and the connection ends. */
  #isEnding = false;
  /** Since when the connection waits for a request: milliseconds, monotonic. */
  idleSince = performance.now();
  /** No request has come yet. */
  isFresh = true;

  constructor(socket: Socket, owner: DirectOwner) {
    this.socket = socket;
    this.#owner = owner;
    socket
      .on('data', this.#onData)
      .on('drain', this.#onDrain)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#onClose);
  }

  get isIdle(): boolean {
    return this.#client === undefined && !this.#isEnding;
  }

  requestBody(): Buffer | RequestBody {
    const begun = this.#body;
    if (this.#missing === 0 || !Buffer.isBuffer(begun)) return begun;
    const body = new RequestBody(this.#resume);
    this.#body = body;
    if (begun.length > 0) body.add(begun, false);
    return body;
  }

  startResponse(): number {
    const seconds = this.#missing > 0 ? 0 : this.#owner.keptSeconds();
    this.#isLast = seconds === 0;
    return seconds;
  }

  finish(text: string): void {
    this.#isFinished = true;
    if (text === '' && this.socket.writableLength === 0) process.nextTick(this.#onFlushed);
    else this.socket.write(text, 'latin1', this.#onFlushed);
  }

  #onData = (bytes: Buffer): void => {
    if (this.#isEnding) return;
    if (this.#client === undefined) this.#begin(bytes);
    else if (this.#missing > 0) this.#continueBody(bytes);
    else this.#keep(bytes);
  };

  #begin(bytes: Buffer): void {
    noteRead(bytes.length);
    const head = this.#heads.read(bytes, this.#owner.headerBytes);
    if (head === undefined) return this.#handOver([bytes]);
    const missing = head.length - (bytes.length - head.size);
    // Another request behind it already.
    if (missing < 0) return this.#handOver([bytes]);
    this.#body = bytes.subarray(head.size);
    this.#missing = missing;
    this.#isFinished = false;
    this.isFresh = false;
    const client = new DirectClient(this, head);
    this.#client = client;
    if (!this.#owner.serve(client)) this.#handOver([bytes]);
  }

  #continueBody(bytes: Buffer): void {
    const taken = bytes.length > this.#missing ? bytes.subarray(0, this.#missing) : bytes;
    this.#missing -= taken.length;
    const body = this.#body;
    const isLast = this.#missing === 0;
    // What nobody reads is dropped: the response says that the connection ends with it. Behind the last piece nobody asks
    // for more, so there is no pause.
    if (!Buffer.isBuffer(body) && !body.add(taken, isLast) && !isLast) this.socket.pause();
    if (taken.length < bytes.length) this.#keep(bytes.subarray(taken.length));
  }

  /** Holds what came too early. What cannot be the beginning of a request ends the connection, as node's parser would. */
  #keep(bytes: Buffer): void {
    const first = bytes[0]!;
    if (this.#earlyBytes === 0 && !mayBegin(first)) {
      this.socket.destroy();
      return;
    }
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > mostEarlyBytes) this.socket.pause();
  }

  #resume = (): void => {
    if (!this.socket.destroyed) this.socket.resume();
  };

  #onDrain = (): void => {
    this.#client?.source?.resume();
  };

  #onFlushed = (error?: Error | null): void => {
    if (error != null || this.#client === undefined) return;
    this.#client = undefined;
    this.#body = none;
    if (this.#isLast) {
      this.#isEnding = true;
      if (this.#missing > 0) closeInSteps(this.socket);
      else this.socket.destroySoon();
      return;
    }
    this.idleSince = performance.now();
    if (this.#earlyBytes > 0) this.#handOver(this.#early);
  };

  /** A client that closes its side counts as gone, once it is owed nothing that was not written yet. */
  #onEnd = (): void => {
    if (this.#client === undefined || this.#isFinished) this.socket.end();
    else this.socket.destroy();
  };

  #onError = (): void => {
    this.socket.destroy();
  };

  #onClose = (): void => {
    this.#owner.closed(this);
    const client = this.#client;
    this.#client = undefined;
    if (!Buffer.isBuffer(this.#body)) this.#body.destroy();
    client?.onGone?.();
  };

  #handOver(unread: readonly Buffer[]): void {
    this.#client = undefined;
    this.socket
      .off('data', this.#onData)
      .off('drain', this.#onDrain)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onClose);
    this.#owner.handOver(this, unread);
  }
}

/** A capital letter, or part of an empty line, which some clients send behind a body (RFC 9112 section 2.2). */
function mayBegin(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || byte === 13 || byte === 10;
}
