import type { Readable } from 'node:stream';
import { GatewayError } from './errors.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import {
  defaultMaxDepth,
  findPath,
  insertMember,
  type MultipartField,
  multipartBoundary,
  Pieces,
  type Range,
  readMultipartField,
  readValue,
  type ScanResult,
  scanPieces,
  skipWhitespace,
  splice,
} from './json-bytes/index.ts';

/** Members of a form that routing reads on every call. */
const routed = ['model', 'stream'] as const;

/** Members up to this many bytes are read alone; whoever wants a larger one gets it from the whole body, parsed once. */
const smallBytes = 1_024;

/** A request body: its bytes as the client sent them, and JSON when someone asks. */
export type Body = NoBody | BytesBody | StreamBody;

export class NoBody {
  readonly kind = 'none';
  readonly contentType = undefined;
  readonly size = 0;
  member(_name: string): JsonValue | undefined {
    return undefined;
  }
}

export const noBody = new NoBody();

/** A whole body in memory. Never changed: an edit gives a new one. */
export class BytesBody {
  readonly kind = 'bytes';
  /** The bytes as they came. Whoever can work on several pieces spares the whole from being joined. */
  readonly pieces: Pieces;
  readonly contentType: string | undefined;
  readonly #maxDepth: number | undefined;
  #topLevel: ScanResult | undefined;
  /** Members that were asked for; several parts of the gateway ask for the same few. */
  #members: Map<string, JsonValue | undefined> | undefined;
  #json: JsonObject | undefined;
  #fields: readonly MultipartField[] | undefined;

  /** `maxDepth`: levels that its JSON may nest. */
  constructor(bytes: Buffer | Pieces, contentType: string | undefined, json?: JsonObject, maxDepth?: number) {
    this.pieces = bytes instanceof Pieces ? bytes : new Pieces([bytes]);
    this.contentType = contentType;
    this.#json = json;
    this.#maxDepth = maxDepth;
  }

  /** A JSON body written anew; exactness of the client's bytes is given up. */
  static ofJson(json: JsonObject): BytesBody {
    return new BytesBody(Buffer.from(JSON.stringify(json)), 'application/json', json);
  }

  /** The whole in one buffer; joins what came in several. */
  get bytes(): Buffer {
    return this.pieces.join();
  }

  get size(): number {
    return this.pieces.length;
  }

  get isJson(): boolean {
    const { contentType } = this;
    if (contentType === undefined || contentType === 'application/json') return true;
    return /^(application\/([\w.+-]*\+)?json|text\/plain)\b/i.test(contentType);
  }

  /** Where the members of a JSON body lie, found in one pass over the bytes, once; also what was found before a problem. */
  get topLevel(): ScanResult {
    this.#topLevel ??= scanPieces(this.pieces, this.#maxDepth === undefined ? {} : { maxDepth: this.#maxDepth });
    return this.#topLevel;
  }

  /** The JSON value in a range; `undefined` if it does not parse. */
  valueAt(range: Range): JsonValue | undefined {
    return readValue(this.pieces.slice(range));
  }

  /**
   * A top-level member of a JSON body; a large one costs parsing the body, once. Of a multipart form only `model` and
   * `stream` are read. Throws GatewayError REQ_BODY_NOT_JSON, REQ_TOO_DEEP.
   */
  member(name: string): JsonValue | undefined {
    if (!this.isJson) return this.#formMember(name);
    if (this.#json !== undefined) return this.#json[name];
    const range = this.#sound().members.get(name);
    if (range === undefined) return undefined;
    if (range.end - range.start > smallBytes) return this.json()[name];
    const read = (this.#members ??= new Map());
    if (!read.has(name)) read.set(name, this.valueAt(range) ?? this.json()[name]);
    return read.get(name);
  }

  /** The body as JSON, parsed once. Treat it as frozen. Throws GatewayError REQ_BODY_NOT_JSON. */
  json(): JsonObject {
    if (this.#json !== undefined) return this.#json;
    let value: unknown;
    try {
      value = JSON.parse(this.bytes.toString('utf8'));
    } catch (cause) {
      throw new GatewayError('REQ_BODY_NOT_JSON', { reason: (cause as Error).message }, { cause });
    }
    if (!isObject(value)) throw new GatewayError('REQ_BODY_NOT_JSON', { reason: 'it must be a JSON object' });
    this.#json = value;
    return value;
  }

  #sound(): ScanResult {
    const { topLevel } = this;
    const { problem, complete, at } = topLevel;
    if (problem === 'too-deep') throw new GatewayError('REQ_TOO_DEEP', { limit: this.#maxDepth ?? defaultMaxDepth });
    if (!complete) {
      const isOther = problem === 'invalid' && at === skipWhitespace(this.bytes, 0);
      const reason = isOther ? 'it does not begin with {' : `${problem ?? 'it ends too early'} at byte ${at}`;
      throw new GatewayError('REQ_BODY_NOT_JSON', { reason });
    }
    return topLevel;
  }

  #formMember(name: string): JsonValue | undefined {
    const value = this.#formFields().find((field) => field.name === name)?.value;
    return name === 'stream' && value !== undefined ? value === 'true' || value === '1' : value;
  }

  #formFields(): readonly MultipartField[] {
    if (this.#fields === undefined) {
      const boundary = multipartBoundary(this.contentType);
      this.#fields = boundary === undefined ? [] : readMultipartField(this.bytes, boundary, routed);
    }
    return this.#fields;
  }

  /** A new form with every field of this name given another text; the rest of the bytes stays. */
  editField(name: string, text: string): BytesBody {
    const edits = this.#formFields()
      .filter((field) => field.name === name)
      .map(({ start, end }) => ({ start, end, text }));
    return edits.length === 0 ? this : new BytesBody(splice(this.bytes, edits), this.contentType);
  }

  /**
   * A new body with one value replaced on the bytes; key order, spacing and unknown fields stay.
   * Throws GatewayError REQ_INVALID when there is nothing at the path.
   */
  edit(path: string | readonly (string | number)[], value: JsonValue): BytesBody {
    const steps = typeof path === 'string' ? [path] : path;
    const range: Range | undefined =
      steps.length === 1 && typeof steps[0] === 'string'
        ? this.#sound().members.get(steps[0])
        : findPath(this.bytes, steps);
    if (range === undefined) {
      throw new GatewayError(
        'REQ_INVALID',
        { reason: `There is no ${steps.join('.')} to edit.` },
        { param: steps.join('.') },
      );
    }
    return this.#spliced(range, JSON.stringify(value));
  }

  /** A new body with a top-level member set: in its place, or behind the others. `text` is JSON. */
  withMember(name: string, text: string): BytesBody {
    const { members } = this.#sound();
    const range = members.get(name);
    if (range !== undefined) return this.#spliced(range, text);
    const { list } = this.pieces;
    const last = list.at(-1)!;
    const close = last.lastIndexOf('}');
    // In several pieces it goes right before the end, behind any space: what stands before it may lie in another piece.
    if (list.length === 1 || close < 0) return new BytesBody(insertMember(this.bytes, name, text), this.contentType);
    const at = this.size - last.length + close;
    const comma = members.size === 0 ? '' : ',';
    return this.#spliced({ start: at, end: at }, `${comma}${JSON.stringify(name)}:${text}`);
  }

  #spliced({ start, end }: Range, text: string): BytesBody {
    return new BytesBody(this.pieces.splice([{ start, end, text }]), this.contentType);
  }
}

/**
 * A body too large to hold, on its way: its head is in memory (`model` is looked for there), the rest is read once.
 * It cannot be sent twice, so its exchange has one attempt.
 */
export class StreamBody {
  readonly kind = 'stream';
  readonly head: Buffer;
  /** Everything, the head included. */
  readonly readable: Readable;
  readonly contentType: string | undefined;
  /** Total bytes, when the client said so. */
  readonly size: number | undefined;
  readonly #members: ReadonlyMap<string, JsonValue>;

  constructor(
    head: Buffer,
    readable: Readable,
    contentType: string | undefined,
    size: number | undefined,
    members: ReadonlyMap<string, JsonValue>,
  ) {
    this.head = head;
    this.readable = readable;
    this.contentType = contentType;
    this.size = size;
    this.#members = members;
  }

  member(name: string): JsonValue | undefined {
    return this.#members.get(name);
  }
}
