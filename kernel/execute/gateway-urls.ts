import { type Endpoint, type FlatHeaders, locate, lowerName } from '../../plugin-sdk/index.ts';
import { splice } from '../../plugin-sdk/json-bytes/index.ts';
import type { LiveExchange } from '../exchange.ts';

/** Reply headers whose value is a URL that the client will call next. */
const urlHeaders = new Set([
  'location',
  'content-location',
  'operation-location',
  'azure-asyncoperation',
  'x-goog-upload-url',
  'x-goog-upload-control-url',
]);

/** True when one of the headers is such a URL. */
export function hasUrl(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) if (urlHeaders.has(lowerName(headers[i]!))) return true;
  return false;
}

const quote = 0x22;
const backslash = 0x5c;

/** Turns URLs at the provider into URLs at the gateway, so that the client's next call comes back here. */
export class GatewayUrls {
  readonly #origin: string;
  readonly #bases: readonly string[];
  readonly #to: string;
  readonly #mount: string;

  /**
   * `origin`: of the provider. `bases`: paths there to which a client's path is joined, the likeliest first. `to`: the
   * gateway's origin. `mount`: the path of the route.
   */
  constructor(origin: string, bases: readonly string[], to: string, mount: string) {
    this.#origin = origin.toLowerCase();
    this.#bases = bases;
    this.#to = to + mount;
    this.#mount = mount;
  }

  /** A URL as the client should see it; others than the provider's stay as they are. */
  rewrite(url: string): string {
    // A server behind a proxy that takes its own path off writes paths without it.
    if (url.startsWith('/') && !url.startsWith('//')) return this.#mount + (this.#beneathBase(url) ?? url);
    const length = this.#origin.length;
    if (url.slice(0, length).toLowerCase() !== this.#origin) return url;
    const rest = this.#beneathBase(url.slice(length));
    return rest === undefined ? url : this.#to + rest;
  }

  /** The path that a client would call; undefined when it lies beneath no base. */
  #beneathBase(path: string): string | undefined {
    for (const base of this.#bases) {
      if (!path.startsWith(base)) continue;
      const rest = path.slice(base.length);
      if (rest === '' || '/?#'.includes(rest[0]!)) return rest;
    }
    return undefined;
  }

  headers(headers: readonly string[]): FlatHeaders {
    return headers.map((part, i) =>
      i % 2 === 1 && urlHeaders.has(lowerName(headers[i - 1]!)) ? this.rewrite(part) : part,
    );
  }

  /** Rewrites the string values of these members wherever they stand in a JSON body; every other byte stays. */
  members(bytes: Buffer, names: readonly string[]): Buffer {
    const edits = names
      .flatMap((name) => [...stringValues(bytes, name)])
      .flatMap(({ start, end }) => {
        const url = bytes.toString('utf8', start, end);
        const text = url.startsWith('/') ? url : this.rewrite(url);
        return text === url ? [] : [{ start, end, text }];
      });
    return edits.length === 0 ? bytes : splice(bytes, edits);
  }
}

/** What stands between the quotes of every `"name": "…"`. Inside a string the quotes of a name would be escaped. */
function* stringValues(bytes: Buffer, name: string): Generator<{ readonly start: number; readonly end: number }> {
  const key = `"${name}"`;
  for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + key.length)) {
    if (bytes[at - 1] === backslash) continue;
    const separator = /^\s*:\s*"/.exec(bytes.toString('latin1', at + key.length, at + key.length + 64));
    if (separator === null) continue;
    const start = at + key.length + separator[0].length;
    const end = bytes.indexOf(quote, start);
    if (end > 0) yield { start, end };
  }
}

/**
 * For {@link GatewayUrls}: paths to which a provider joins those of a client. A key may have an address of its own, whose path
 * is what was `sent` in front of the client's; unless the provider wrote more there than that, such as a project.
 */
export function basePaths(baseUrl: string, sent: Pick<Endpoint, 'origin' | 'path'>, asked: string): string[] {
  const base = locate(baseUrl, '');
  if (base.origin === sent.origin) return [base.path];
  const path = sent.path.split('?', 1)[0]!;
  return path.endsWith(asked) ? [path.slice(0, path.length - asked.length), ''] : [''];
}

/** The gateway as this client calls it, behind a proxy as that one says; undefined when the call does not tell. */
export function gatewayOrigin({ request: { headers } }: LiveExchange, scheme: 'http' | 'https'): string | undefined {
  const host = headers.get('x-forwarded-host') ?? headers.get('host');
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return undefined;
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
  return `${forwarded === 'http' || forwarded === 'https' ? forwarded : scheme}://${host}`;
}
