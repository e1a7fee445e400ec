import { type BodyEditor, BytesBody, type JsonObject } from '../../plugin-sdk/index.ts';
import { removeMember } from '../../plugin-sdk/json-bytes/index.ts';

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
    this.#body = this.#body.withMember(name, JSON.stringify(value));
  }

  rename(from: string, to: string): void {
    const range = this.#range(from);
    if (range === undefined) return;
    const value = this.#body.pieces.slice(range).toString('utf8');
    this.remove(from);
    if (this.#range(to) === undefined) this.#body = this.#body.withMember(to, value);
  }

  remove(name: string): void {
    const range = this.#range(name);
    if (range === undefined) return;
    this.#body = new BytesBody(removeMember(this.#body.bytes, range), this.#body.contentType);
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
}
