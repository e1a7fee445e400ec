/** `util.inspect.custom`, as Node documents it for code that does not load `node:util`. */
const inspected = Symbol.for('nodejs.util.inspect.custom');

/**
 * A credential that cannot be printed by accident: as text, JSON or in a debugger's view it reads `[secret]`.
 *
 * The value is a private field, so spreading, cloning or serialising a secret gives nothing away. Only the kernel's
 * sender and request signers call {@link Secret.reveal}.
 */
export class Secret {
  readonly #value: string;
  #prefixed: { readonly prefix: string; readonly secret: Secret } | undefined = undefined;

  constructor(value: string) {
    this.#value = value;
  }

  /** The plain value. For senders and signers only. */
  static reveal(secret: Secret): string {
    return secret.#value;
  }

  /** Whether two credentials are equal, without showing either. */
  static same(a: Secret | undefined, b: Secret | undefined): boolean {
    return a === b || (a !== undefined && b !== undefined && a.#value === b.#value);
  }

  /** A secret with a public prefix in front of this one, such as `Bearer `; the last is kept, for it is asked for on every call. */
  prefixed(prefix: string): Secret {
    if (this.#prefixed?.prefix !== prefix) this.#prefixed = { prefix, secret: new Secret(prefix + this.#value) };
    return this.#prefixed.secret;
  }

  /** Whether it begins so, by which some credentials tell their kind. */
  startsWith(beginning: string): boolean {
    return this.#value.startsWith(beginning);
  }

  /** The text with this value blotted out wherever it stands; one too short to be a credential is left alone. */
  hideIn(text: string): string {
    return this.#value.length < 8 ? text : text.replaceAll(this.#value, '[secret]');
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspected](): string {
    return '[secret]';
  }
}
