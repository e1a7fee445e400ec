import { backslash, JsonCursor, type JsonProblem, openBrace, type Range } from './json-cursor.ts';
import { readString } from './read-value.ts';

/** A member of the top-level object: its value's range, and where its key's quote is. */
export interface Member extends Range {
  readonly keyStart: number;
  /** The member of the same name before this one. JSON.parse takes the last, so that one is found first. */
  readonly earlier: Member | undefined;
}

export interface ScanOptions {
  /** Levels of nesting allowed, the top-level object being the first. */
  readonly maxDepth?: number;
  /** Stop once every name was seen, at the price of not noticing duplicates and problems behind. */
  readonly stopWhenFound?: boolean;
}

export interface ScanResult {
  /** By name; of several the last, as JSON.parse would take it. Those found before a problem are here too. */
  readonly members: Map<string, Member>;
  /** True if the bytes are one whole object and nothing else. */
  readonly complete: boolean;
  /** Why not. A scan stopped by `stopWhenFound` has neither. */
  readonly problem: JsonProblem | undefined;
  /** How far the scan came: with a problem, the byte at which it was met. */
  readonly at: number;
  /** Deepest nesting that was met. */
  readonly depth: number;
}

/**
 * Finds members of the top-level object in one pass, without decoding what is not asked for: those with these names, or
 * `'all'`. The bytes may be the head of a body: values that are there in full are found. Anything but an object is `invalid`.
 */
export function scanTopLevel(bytes: Buffer, names: readonly string[] | 'all', options: ScanOptions = {}): ScanResult {
  const cursor = new JsonCursor(bytes, options.maxDepth);
  const members = new Map<string, Member>();
  let stopped = false;
  let more = cursor.open(openBrace);
  while (more && cursor.key()) {
    const name = names === 'all' ? keyText(cursor) : nameOf(cursor, names);
    const { keyStart, at: start } = cursor;
    if (!cursor.skipValue()) break;
    if (name !== undefined) {
      members.set(name, { keyStart, start, end: cursor.at, earlier: members.get(name) });
      stopped = options.stopWhenFound === true && members.size === names.length;
      if (stopped) break;
    }
    more = cursor.next(openBrace);
  }
  if (!stopped) cursor.finish();
  const { problem, at, deepest } = cursor;
  return { members, complete: problem === undefined && !stopped, problem, at, depth: deepest };
}

function nameOf(cursor: JsonCursor, names: readonly string[]): string | undefined {
  const index = keyIndex(cursor, names);
  // An array asked for its member -1 converts that to a text first.
  return index === -1 ? undefined : names[index];
}

/** Undefined for a key that JSON does not allow. */
function keyText({ bytes, keyStart, keyEnd }: JsonCursor): string | undefined {
  for (const name of usualKeys[keyEnd - keyStart - 2] ?? [])
    if (isAsciiName(name, bytes, keyStart + 1, keyEnd - 1)) return name;
  return readString(bytes, { start: keyStart, end: keyEnd });
}

/** Keys that most requests have, by their lengths: finding one here is cheaper than making a new text of it. */
const usualKeys: string[][] = [];
for (const name of [
  ...['model', 'stream', 'stream_options', 'messages', 'input', 'instructions', 'system', 'prompt', 'contents'],
  ...['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'generationConfig', 'reasoning_effort', 'reasoning'],
  ...['temperature', 'top_p', 'n', 'stop', 'seed', 'tools', 'tool_choice', 'parallel_tool_calls', 'response_format'],
  ...['metadata', 'user', 'store', 'service_tier', 'thinking', 'text', 'encoding_format', 'dimensions'],
])
  (usualKeys[name.length] ??= []).push(name);

/** Which of the names the key last read is, or -1. Decodes the key only if it has escapes or is not ASCII. */
export function keyIndex(cursor: JsonCursor, names: readonly string[]): number {
  const { bytes, keyStart, keyEnd } = cursor;
  for (let index = 0; index < names.length; index++) {
    if (isAsciiName(names[index]!, bytes, keyStart + 1, keyEnd - 1)) return index;
  }
  for (let at = keyStart + 1; at < keyEnd - 1; at++) {
    const byte = bytes[at]!;
    if (byte === backslash || byte > 127) {
      const key = readString(bytes, { start: keyStart, end: keyEnd });
      return key === undefined ? -1 : names.indexOf(key);
    }
  }
  return -1;
}

function isAsciiName(name: string, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code !== bytes[start + index] || code > 127 || code === backslash) return false;
  }
  return true;
}
