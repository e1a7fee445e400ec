import type { ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

type Container = { [key: string]: JsonValue } | JsonValue[];

/**
 * A function call that Vertex streams in pieces, after `streamFunctionCallArguments`: each piece has `partialArgs`, a list
 * of `{ jsonPath, stringValue | numberValue | boolValue | nullValue, willContinue }`, and `willContinue` while more come.
 */
export class PartialCall {
  readonly block: number;
  /** The call as its first piece announced it. */
  readonly announced: ToolCallBlock;
  signature: string | undefined;
  /** Without a prototype, since the model names the keys. */
  readonly #arguments: { [key: string]: JsonValue } = Object.create(null);

  constructor(block: number, announced: ToolCallBlock) {
    this.block = block;
    this.announced = announced;
    this.signature = announced.signature;
  }

  add({ args, partialArgs }: JsonObject): void {
    if (isObject(args)) Object.assign(this.#arguments, args);
    if (!Array.isArray(partialArgs)) return;
    for (const partial of partialArgs) if (isObject(partial)) this.#set(partial);
  }

  /** The call with the arguments so far. */
  whole(): ToolCallBlock {
    return { ...this.announced, arguments: JSON.stringify(this.#arguments) };
  }

  #set(partial: JsonObject): void {
    const { jsonPath, stringValue, numberValue, boolValue } = partial;
    const keys = typeof jsonPath === 'string' ? keysOf(jsonPath) : [];
    const last = keys.pop();
    if (last === undefined) return;
    let place: Container = this.#arguments;
    keys.forEach((key, i) => {
      const known = valueAt(place, key);
      const inner: Container =
        typeof known === 'object' && known !== null
          ? (known as Container)
          : typeof (keys[i + 1] ?? last) === 'number'
            ? []
            : Object.create(null);
      if (inner !== known) put(place, key, inner);
      place = inner;
    });
    const before = valueAt(place, last);
    const value = stringValue ?? numberValue ?? boolValue ?? null;
    put(place, last, typeof before === 'string' && typeof value === 'string' ? before + value : value);
  }
}

/** True for the first piece of a call; later ones have no name, and the last may be empty. */
export function beginsPartial(call: JsonObject): boolean {
  return call['partialArgs'] !== undefined || call['willContinue'] === true;
}

const step = /\.([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\['((?:[^'\\]|\\.)*)'\]/g;

/** `$.a['b'][0]` → `a`, `b`, 0 (the singular queries of RFC 9535). */
function keysOf(path: string): (string | number)[] {
  return [...path.matchAll(step)].map(([, name, index, quoted, single]) => {
    if (index !== undefined) return Number(index);
    if (quoted !== undefined) return JSON.parse(quoted) as string;
    return name ?? single!.replace(/\\(.)/g, '$1');
  });
}

function valueAt(place: Container, key: string | number): JsonValue | undefined {
  return Array.isArray(place) ? place[Number(key)] : place[String(key)];
}

/** A list grows by one at a time, however far an index points. */
function put(place: Container, key: string | number, value: JsonValue): void {
  if (Array.isArray(place)) place[Math.min(Number(key) || 0, place.length)] = value;
  else place[String(key)] = value;
}
