import { inspect } from 'node:util';

const values = new WeakMap<Secret, string>();

/**
 * A credential that cannot be printed by accident: as text, JSON or in a debugger's view it reads `[secret]`.
 *
 * The value lives outside the object, so spreading, cloning or serialising a secret gives nothing away.
 * Only the kernel's sender and request signers call {@link Secret.reveal}.
 */
export class Secret {
  constructor(value: string) {
    values.set(this, value);
  }

  /** The plain value. For senders and signers only. */
  static reveal(secret: Secret): string {
    return values.get(secret) ?? '';
  }

  /** A secret with a public prefix in front of this one, such as `Bearer `. */
  prefixed(prefix: string): Secret {
    return new Secret(prefix + Secret.reveal(this));
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
