import type { Secret } from './secret.ts';

/** Headers as on the wire: name, value, name, value. Keeps order, case and duplicates. */
export type FlatHeaders = string[];

/** Header pairs of an upstream request; a credential stays a {@link Secret} until it is written to the socket. */
export type OutgoingHeaders = (string | Secret)[];

const lowerCased = new Map<string, string>();
const maxNames = 1_000;

/** Lower-cases a header name; names repeat endlessly, so each is folded once (bounded, since clients choose names). */
export function lowerName(name: string): string {
  const known = lowerCased.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  if (lowerCased.size < maxNames) lowerCased.set(name, lower);
  return lower;
}

interface Layout {
  readonly names: readonly string[];
  readonly lower: readonly string[];
}

/** By the number of headers, the last ones of so many: callers of one kind send the same names in the same order. */
const layouts: (Layout | undefined)[] = [];
const maxLayout = 64;

/** The lower-case names of flat headers, in wire order. Comparing with the last ones is cheaper than folding each. */
export function lowerNames(flat: readonly string[]): readonly string[] {
  const count = flat.length / 2;
  const last = layouts[count];
  if (last?.names.every((name, i) => name === flat[i * 2]) === true) return last.lower;
  const names = Array.from({ length: count }, (_, i) => flat[i * 2]!);
  // Shared by all that send the same.
  const lower = Object.freeze(names.map(lowerName));
  if (count <= maxLayout) layouts[count] = { names, lower };
  return lower;
}

/** Most names differ in their lengths already. */
function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && lowerName(name) === lower;
}

/** First value of a header, by lower-case name. */
export function getHeader(headers: readonly string[], lower: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (isNamed(headers[i]!, lower)) return headers[i + 1];
  return undefined;
}

/** The same headers with every occurrence of one replaced by a single new value (or removed with `undefined`). */
export function withHeader(headers: readonly string[], lower: string, value: string | undefined): FlatHeaders {
  const result: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!isNamed(headers[i]!, lower)) result.push(headers[i]!, headers[i + 1]!);
  }
  if (value !== undefined) result.push(lower, value);
  return result;
}

/** The headers of a request: wire order kept, lower-cased once, read by lower-case name. */
export class RequestHeaders {
  readonly flat: readonly string[];
  /** Lower-case names, in wire order. */
  readonly names: readonly string[];

  constructor(flat: readonly string[]) {
    this.flat = flat;
    this.names = lowerNames(flat);
  }

  /** First value, or `undefined`. `name` is lower-case. */
  get(name: string): string | undefined {
    const at = this.names.indexOf(name);
    return at < 0 ? undefined : this.flat[at * 2 + 1];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** All headers whose lower-case name starts with `prefix`, as [rest of the name, value]. */
  startingWith(prefix: string): [string, string][] {
    const found: [string, string][] = [];
    const { names, flat } = this;
    // V8 makes `forEach` of a frozen array ten times as slow.
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name.startsWith(prefix)) found.push([name.slice(prefix.length), flat[i * 2 + 1]!]);
    }
    return found;
  }

  /** A copy with one header set (or removed with `undefined`); `name` is lower-case. */
  with(name: string, value: string | undefined): RequestHeaders {
    return new RequestHeaders(withHeader(this.flat, name, value));
  }
}
