import type { FlatHeaders } from '../../../plugin-sdk/index.ts';
import { lineShape, readHeaderLines } from '../../header-lines.ts';

/** What stands before the body of a request. */
export interface RequestHead {
  /** Path with query. */
  readonly url: string;
  readonly headers: FlatHeaders;
  /** Bytes of the body. */
  readonly length: number;
  /** Bytes of the head, with its last empty line. */
  readonly size: number;
  /** Where the digits of the length stand among the headers, and the text in front of them and behind. */
  readonly lengthAt: number;
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

/** A whole head: request line, header lines and an empty line. */
const shape = new RegExp(`^POST (\\/[!-~]*) HTTP\\/1\\.1\\r\\n((?:${lineShape})+)\\r\\n$`);
const lengthLine = /\r\ncontent-length:[\t ]*/i;
const digits = /^\d{1,15}$/;

/**
 * Reads the head of a request, given as latin1 text with its last empty line, when it is what nearly every SDK sends: a
 * POST whose body has one plain length (RFC 9112 section 6.3) on a connection that is kept. Undefined for all else, and for
 * whatever two readers could understand differently: that is for node's own parser to serve or to refuse.
 */
export function readRequestHead(text: string): RequestHead | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const headers = readHeaderLines(match[2]!);
  if (headers.length > 2 * mostHeaders) return undefined;
  let lengthAt = -1;
  let hosts = 0;
  for (let i = 0; i < headers.length; i += 2) {
    // Names that matter here are told apart by their lengths first.
    if (!lengthsThatMatter.has(headers[i]!.length)) continue;
    const value = headers[i + 1]!;
    switch (headers[i]!.toLowerCase()) {
      case 'host':
        if ((hosts += 1) > 1) return undefined;
        break;
      case 'content-length':
        if (lengthAt !== -1 || !digits.test(value)) return undefined;
        lengthAt = i + 1;
        break;
      case 'connection':
        if (value.toLowerCase() !== 'keep-alive') return undefined;
        break;
      case 'expect':
      case 'upgrade':
      case 'trailer':
      case 'proxy-connection':
      case 'transfer-encoding':
        return undefined;
    }
  }
  const line = lengthLine.exec(text);
  if (lengthAt === -1 || line === null) return undefined;
  const before = text.slice(0, line.index + line[0].length);
  const length = headers[lengthAt]!;
  const after = text.slice(before.length + length.length);
  return { url: match[1]!, headers, length: Number(length), size: text.length, lengthAt, before, after };
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
  headers[last.lengthAt] = length;
  return { ...last, headers, length: Number(length), size: text.length };
}

const lengthsThatMatter: ReadonlySet<number> = new Set(
  ['host', 'content-length', 'connection', 'expect', 'upgrade', 'trailer', 'proxy-connection', 'transfer-encoding'].map(
    ({ length }) => length,
  ),
);
