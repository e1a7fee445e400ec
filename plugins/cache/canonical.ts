import { isUtf8 } from 'node:buffer';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import type { RequestFields } from './fields.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * One text for all spellings of a request: keys sorted, what does not matter left out, defaults as if not said.
 * `undefined` when JavaScript's reading of the bytes may not be the provider's: a name said twice, a whole number beyond
 * 2^53, bytes that are no UTF-8. Two such requests could look alike.
 */
export function canonicalRequest(
  bytes: Buffer,
  json: JsonObject,
  fields: RequestFields,
  ofVendor: boolean,
): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const writer = new Writer();
  const text = writer.top(json, fields, ofVendor);
  return writer.exact && writer.members === countMembers(bytes) ? text : undefined;
}

/** Any value with its keys sorted. */
export function sorted(value: JsonValue): string {
  return new Writer().value(value);
}

class Writer {
  /** Members seen so far, at any depth. */
  members = 0;
  exact = true;

  top(json: JsonObject, { dropped, defaults, vendorDefaults }: RequestFields, ofVendor: boolean): string {
    const parts: string[] = [];
    for (const name of Object.keys(json).sort()) {
      this.members += 1;
      const value = json[name] ?? null;
      const text = this.value(value);
      if (value === null || dropped.has(name)) continue;
      const usual = Object.hasOwn(defaults, name)
        ? defaults[name]
        : ofVendor && Object.hasOwn(vendorDefaults, name)
          ? vendorDefaults[name]
          : undefined;
      if (usual !== undefined && text === sorted(usual)) continue;
      parts.push(`${JSON.stringify(name)}:${text}`);
    }
    return `{${parts.join()}}`;
  }

  value(value: JsonValue): string {
    if (Array.isArray(value)) return `[${value.map((one) => this.value(one)).join()}]`;
    if (isObject(value)) {
      const names = Object.keys(value).sort();
      this.members += names.length;
      return `{${names.map((name) => `${JSON.stringify(name)}:${this.value(value[name] ?? null)}`).join()}}`;
    }
    if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) this.exact = false;
    return JSON.stringify(value);
  }
}

/** Members that the bytes name, those named twice counted twice: the colons outside of strings. */
function countMembers(bytes: Buffer): number {
  let count = 0;
  let at = 0;
  for (;;) {
    const open = bytes.indexOf(quote, at);
    const end = open < 0 ? bytes.length : open;
    for (let i = at; i < end; i++) if (bytes[i] === colon) count += 1;
    if (open < 0) return count;
    at = endOfString(bytes, open) + 1;
  }
}

function endOfString(bytes: Buffer, open: number): number {
  for (let at = bytes.indexOf(quote, open + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return bytes.length;
}
