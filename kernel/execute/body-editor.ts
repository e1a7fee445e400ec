import { type BodyEditor, BytesBody, type JsonObject } from '../../plugin-sdk/index.ts';
import { insertMember, removeMember, splice } from '../../plugin-sdk/json-bytes/index.ts';

/** Byte edits on a JSON request body. Nothing is parsed until an edit asks for it, and what is not edited stays exact. */
export class ByteBodyEditor implements BodyEditor {
  #body: BytesBody;
  readonly #lost: (path: string) => void;

  constructor(body: BytesBody, lost: (path: string) => void) {
    this.#body = body;
    this.#lost = lost;
  }

  get body(): BytesBody {
    return this.#body;
  }

  get(name: string): unknown {
    return this.#range(name) === undefined ? undefined : this.#body.json()[name];
  }

  set(name: string, value: unknown): void {
    const text = JSON.stringify(value);
    const range = this.#range(name);
    const { bytes } = this.#body;
    this.#keep(range === undefined ? insertMember(bytes, name, text) : splice(bytes, [{ ...range, text }]));
  }

  rename(from: string, to: string): void {
    const range = this.#range(from);
    if (range === undefined) return;
    const value = this.#body.bytes.toString('utf8', range.start, range.end);
    this.remove(from);
    if (this.#range(to) === undefined) this.#keep(insertMember(this.#body.bytes, to, value));
  }

  remove(name: string): void {
    const range = this.#range(name);
    if (range !== undefined) this.#keep(removeMember(this.#body.bytes, range));
  }

  json(): JsonObject {
    return this.#body.json();
  }

  replace(value: JsonObject): void {
    this.#body = BytesBody.ofJson(value);
  }

  lost(path: string): void {
    this.#lost(path);
  }

  #range(name: string) {
    return this.#body.topLevel.members.get(name);
  }

  #keep(bytes: Buffer): void {
    this.#body = new BytesBody(bytes, this.#body.contentType);
  }
}
