import type { FlatHeaders } from '../../../plugin-sdk/index.ts';
import { headerValue } from '../../header-value.ts';

/** What stands before the body of a request. */
export interface RequestHead {
  /** Path with query. */
  readonly url: string;
  readonly headers: FlatHeaders;
  /** Bytes of the body. */
  readonly length: number;
  /** Bytes of the head, with its last empty line. */
  readonly size: number;
  /** The text in front of the digits of the length, and behind them. */
  readonly before: string;
  readonly after: string;
}

const headEnd = Buffer.from('\r\n\r\n');

/** Reads the heads of the requests of one connection. */
export class HeadReader {
  #last: RequestHead | undefined = undefined;

  /**
   * The head at the start of what was read, when all of it is there, has `mostBytes` at most, and is a plain one. Undefined
   * for all else.
   */
  read(bytes: Buffer, mostBytes: number): RequestHead | undefined {
    this.#last = this.#same(bytes) ?? this.#next(bytes, mostBytes);
    return this.#last;
  }

  #same(bytes: Buffer): RequestHead | undefined {
    const last = this.#last;
    return last === undefined ? undefined : readSameHead(bytes.toString('latin1', 0, last.size), last);
  }

  #next(bytes: Buffer, mostBytes: number): RequestHead | undefined {
    const end = bytes.indexOf(headEnd);
    if (end === -1 || end > mostBytes) return undefined;
    return readRequestHead(bytes.toString('latin1', 0, end + headEnd.length));
  }
}

/** Above this many headers a request is node's, which has its own bound. */
const mostHeaders = 200;

/** A whole head: request line, lines of token, colon and text without control characters, and an empty line. */
const shape = /^POST (\/[!-~]*) HTTP\/1\.1\r\n((?:[!#$%&'*+\-.^`|~\w]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n$/;
const digits = /^\d{1,15}$/;

/**
 * Reads the head of a request, given as latin1 text with its last empty line, when it is what nearly every SDK sends: a
 * POST whose body has one plain length (RFC 9112 section 6.3) on a connection that is kept. Undefined for all else, and for
 * whatever two readers could understand differently: that is for node's own parser to serve or to refuse.
 */
export function readRequestHead(text: string): RequestHead | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const fields = match[2]!;
  const headers: FlatHeaders = [];
  let length: string | undefined;
  let lengthFrom = 0;
  let hosts = 0;
  for (let at = 0; at < fields.length; ) {
    const colon = fields.indexOf(':', at);
    const end = fields.indexOf('\r\n', colon);
    const name = fields.slice(at, colon);
    const value = headerValue(fields, colon + 1, end);
    at = end + 2;
    headers.push(name, value);
    const lower = mayMatter(name.length) ? name.toLowerCase() : '';
    if (others.has(lower) || (lower === 'connection' && value.toLowerCase() !== 'keep-alive')) return undefined;
    if (lower === 'host' && (hosts += 1) > 1) return undefined;
    if (lower !== 'content-length') continue;
    if (length !== undefined || !digits.test(value)) return undefined;
    length = value;
    lengthFrom = text.length - fields.length - 2 + fields.indexOf(value, colon);
  }
  if (length === undefined || headers.length > 2 * mostHeaders) return undefined;
  const before = text.slice(0, lengthFrom);
  const after = text.slice(lengthFrom + length.length);
  return { url: match[1]!, headers, length: Number(length), size: text.length, before, after };
}

/**
 * The head of a request that says what the one before on its connection did, but perhaps for the length: clients send the
 * same lines again and again, and comparing them is cheaper than reading them. Undefined when there is any other difference,
 * such as one more digit.
 */
export function readSameHead(text: string, last: RequestHead): RequestHead | undefined {
  const { before, after } = last;
  const to = text.length - after.length;
  if (to <= before.length || text.slice(to) !== after || text.slice(0, before.length) !== before) return undefined;
  const length = text.slice(before.length, to);
  if (!digits.test(length)) return undefined;
  const headers = [...last.headers];
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.length === 14 && headers[i]!.toLowerCase() === 'content-length') headers[i + 1] = length;
  return { url: last.url, headers, length: Number(length), size: text.length, before, after };
}

/** Headers of requests that are node's to read. */
const others: ReadonlySet<string> = new Set(['expect', 'upgrade', 'trailer', 'proxy-connection', 'transfer-encoding']);
const names = [...others, 'host', 'connection', 'content-length'];

/** Names that matter here are told apart by their lengths first. */
function mayMatter(size: number): boolean {
  return lengths[size] === true;
}

const lengths: boolean[] = [];
for (const { length } of names) lengths[length] = true;
