import type { FlatHeaders } from '../../plugin-sdk/index.ts';
import { ChunkedBody } from './chunked-body.ts';
import { MalformedReply } from './malformed-reply.ts';
import { type ReplyHead, readReplyHead, readTrailers } from './reply-head.ts';

const mostHeadBytes = 65_536;
const headEnd = Buffer.from('\r\n\r\n');

/** Takes in a reply: its head once, its content in as few pieces as it was read in, its end once. */
export interface ReplyHandler {
  onHead(head: ReplyHead): void;
  /** The bytes are the handler's to keep. */
  onData(bytes: Buffer): void;
  onEnd(trailers: FlatHeaders): void;
}

/**
 * Reads one HTTP/1.1 reply (RFC 9112) from bytes at any split. Interim replies (1xx) are skipped, 101 is refused: nobody
 * asked for another protocol.
 */
export class ReplyReader {
  #handler: ReplyHandler | undefined;
  readonly #method: string;
  /** A head that has come in part. */
  #partial: Buffer | undefined = undefined;
  #partialBytes = 0;
  #body: number | ChunkedBody | 'until-close' | undefined = undefined;

  constructor(method: string, handler: ReplyHandler) {
    this.#method = method;
    this.#handler = handler;
  }

  /**
   * Takes what was read from the connection; the memory may be used anew afterwards. Returns true when bytes are left over
   * behind the end of the reply. Throws MalformedReply.
   */
  read(bytes: Buffer): boolean {
    let at = 0;
    while (this.#body === undefined && this.#handler !== undefined) {
      const end = this.#readHead(bytes, at);
      if (end === -1) return false;
      at = end;
    }
    return this.#readBody(bytes, at) < bytes.length;
  }

  /** The connection has ended. Returns false when that is no end of a reply. */
  closed(): boolean {
    if (this.#body !== 'until-close') return false;
    this.#end([]);
    return true;
  }

  /** Hands on nothing more. */
  stop(): void {
    this.#handler = undefined;
  }

  /** Reads a head up to its end or, with -1, as far as it has come. */
  #readHead(bytes: Buffer, from: number): number {
    if (this.#partial !== undefined) return this.#continueHead(bytes, from);
    const end = bytes.indexOf(headEnd, from);
    if (end !== -1) {
      this.#take(bytes.toString('latin1', from, end + 2));
      return end + 4;
    }
    if (bytes.length > from) {
      this.#partial = Buffer.allocUnsafe(mostHeadBytes);
      this.#hold(bytes, from, bytes.length);
      this.#checkPartial();
    }
    return -1;
  }

  #continueHead(bytes: Buffer, from: number): number {
    const before = this.#partialBytes;
    const taken = Math.min(bytes.length - from, mostHeadBytes - before);
    this.#hold(bytes, from, from + taken);
    const partial = this.#partial!;
    const held = partial.subarray(0, this.#partialBytes);
    const end = held.indexOf(headEnd, Math.max(0, before - 3));
    if (end === -1) {
      this.#checkPartial();
      return -1;
    }
    this.#partial = undefined;
    this.#partialBytes = 0;
    this.#take(held.toString('latin1', 0, end + 2));
    return from + end + 4 - before;
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    this.#partialBytes += bytes.copy(this.#partial!, this.#partialBytes, from, to);
  }

  #checkPartial(): void {
    // What is no HTTP at all is known by its first bytes, whether or not more would follow.
    const start = this.#partial!.toString('latin1', 0, Math.min(7, this.#partialBytes));
    if (!'HTTP/1.'.startsWith(start)) throw new MalformedReply('its head is no HTTP/1.1');
    if (this.#partialBytes === mostHeadBytes)
      throw new MalformedReply(`its head is longer than ${mostHeadBytes} bytes`);
  }

  #take(text: string): void {
    const head = readReplyHead(text, this.#method);
    if (head.status === 101) throw new MalformedReply('it changes to another protocol');
    if (head.status < 200) return;
    this.#body = head.body === 'chunked' ? new ChunkedBody() : head.body;
    this.#handler?.onHead(head);
  }

  /** Returns where the reply ends, or the end of the bytes. */
  #readBody(bytes: Buffer, from: number): number {
    const body = this.#body;
    if (body === undefined) return from;
    if (typeof body === 'number') return this.#readSized(bytes, from, body);
    if (body === 'until-close') {
      if (bytes.length > from) this.#handler?.onData(copyOf(bytes, from, bytes.length));
      return bytes.length;
    }
    if (bytes.length === from) return from;
    const out = Buffer.allocUnsafe(bytes.length - from);
    const { content, end } = body.read(bytes, from, out);
    if (content > 0) this.#handler?.onData(content === out.length ? out : out.subarray(0, content));
    if (body.isComplete) this.#end(readTrailers(body.trailers));
    return end;
  }

  #readSized(bytes: Buffer, from: number, missing: number): number {
    const end = Math.min(bytes.length, from + missing);
    const left = missing - (end - from);
    this.#body = left;
    if (end > from) this.#handler?.onData(copyOf(bytes, from, end));
    if (left === 0) this.#end([]);
    return end;
  }

  #end(trailers: FlatHeaders): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onEnd(trailers);
  }
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}
