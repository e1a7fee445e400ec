import { collect, GatewayError, getHeader, isGatewayError, type MediaSource } from '../../plugin-sdk/index.ts';
import type { LiveExchange } from '../exchange.ts';
import { send } from '../upstream/send.ts';
import type { Runtime } from './context.ts';

const mostFiles = 50;
const maxBytes = 20 * 1024 * 1024;
/** Of one request in all. */
const maxTotalBytes = 64 * 1024 * 1024;
const timeoutMs = 20_000;
const mostRedirects = 3;

/**
 * Fetches the media of one request. The fetch is guarded: public addresses only, at every redirect too; bounded in
 * number, time and size. It stops when the client leaves.
 */
export class MediaFetcher {
  readonly #runtime: Runtime;
  readonly #exchange: Pick<LiveExchange, 'onStop' | 'stopped'>;
  #files = 0;
  #bytes = 0;

  constructor(runtime: Runtime, exchange: Pick<LiveExchange, 'onStop' | 'stopped'>) {
    this.#runtime = runtime;
    this.#exchange = exchange;
  }

  /** Throws GatewayError REQ_INVALID naming `path`, GUARD_HOST, and what the exchange was stopped with. */
  async fetch(address: string, path: string): Promise<MediaSource> {
    const invalid = (reason: string): GatewayError =>
      new GatewayError(
        'REQ_INVALID',
        { reason: `The media at ${path} could not be fetched: ${reason}.` },
        { param: path },
      );
    const url = URL.parse(address);
    if (url === null) throw invalid('its URL is not valid');
    this.#files += 1;
    if (this.#files > mostFiles) throw invalid(`a request may have ${mostFiles} files at URLs; send the others inline`);
    let source: MediaSource;
    try {
      source = await this.#read(url, invalid);
    } catch (cause) {
      // The provider is not at fault: another key or target would fare no better.
      if (isGatewayError(cause) && (cause.code === 'REQ_INVALID' || cause.code === 'GUARD_HOST')) throw cause;
      if (cause === this.#exchange.stopped) throw cause;
      throw invalid(isGatewayError(cause) ? cause.message.replace(/\.$/, '') : (cause as Error).message);
    }
    if (this.#bytes > maxTotalBytes) throw invalid(`the files at URLs are larger than ${maxTotalBytes} bytes in all`);
    return source;
  }

  async #read(url: URL, invalid: (reason: string) => GatewayError, redirects = 0): Promise<MediaSource> {
    if (this.#exchange.stopped !== undefined) throw this.#exchange.stopped;
    let stop: ((reason: Error) => void) | undefined;
    const unlisten = this.#exchange.onStop((reason) => stop?.(reason));
    const timer = setTimeout(() => stop?.(invalid(`it did not arrive within ${timeoutMs} ms`)), timeoutMs);
    try {
      const request = {
        provider: url.hostname,
        origin: url.origin,
        method: 'GET',
        path: url.pathname + url.search,
        headers: ['accept', '*/*'],
        body: undefined,
        privateAddresses: false,
      };
      const reply = await send(request, this.#runtime.connections, 5_000, (abort) => {
        stop = abort;
      });
      stop = (reason) => reply.cut(reason);
      const next = reply.status >= 300 && reply.status < 400 ? getHeader(reply.headers, 'location') : undefined;
      if (next !== undefined && redirects < mostRedirects) {
        reply.abort(invalid('redirected'));
        const target = URL.parse(next, url);
        if (target === null || !/^https?:$/.test(target.protocol)) throw invalid('it is redirected to no web address');
        return await this.#read(target, invalid, redirects + 1);
      }
      if (reply.status !== 200) {
        const refused = invalid(`the server answered ${reply.status}`);
        reply.abort(refused);
        throw refused;
      }
      const bytes = await collect(reply, maxBytes, () => invalid(`it is larger than ${maxBytes} bytes`));
      this.#bytes += bytes.length;
      const mediaType = (getHeader(reply.headers, 'content-type') ?? 'application/octet-stream').split(';')[0]!.trim();
      return { kind: 'base64', mediaType, data: bytes.toString('base64') };
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }
}
