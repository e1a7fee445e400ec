import type { IncomingHttpHeaders } from 'node:http';
import { IncomingMessage } from '../node-builtins.ts';

/**
 * A request that folds its headers into an object only for whoever reads that. Of every request node reads one header,
 * `expect`, and has all of them folded for it: a fifteenth of all that a carried call costs. Until {@link handOver} that one is
 * all there is.
 */
export class Incoming extends IncomingMessage {
  #isHandedOver = false;

  /** From here on the request is no longer in the hands of node. */
  handOver(): void {
    this.#isHandedOver = true;
  }

  static {
    const { get: all } = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers')!;
    // node has an accessor here, of which its types make a property, and that a class may not override by an accessor.
    Object.defineProperty(Incoming.prototype, 'headers', {
      configurable: true,
      get(this: Incoming): IncomingHttpHeaders {
        // Of HTTP/1.0 node reads more.
        return this.#isHandedOver || this.httpVersion !== '1.1' ? all!.call(this) : expectOf(this.rawHeaders);
      },
    });
  }
}

const expectsNothing: IncomingHttpHeaders = {};

function expectOf(rawHeaders: readonly string[]): IncomingHttpHeaders {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 6 && name.toLowerCase() === 'expect') return { expect: rawHeaders[i + 1]! };
  }
  return expectsNothing;
}
