import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { makeFileOnce } from '../../plugin-sdk/make-file-once.ts';
import { Secret } from '../../plugin-sdk/secret.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts credentials that must be read again (provider keys), with AES-256-GCM. */
export class Sealing {
  readonly #key: Buffer;

  constructor(secret: Secret) {
    this.#key = createHash('sha256').update(Secret.reveal(secret)).digest();
  }

  /** With a key of its own in a file that only this user may read; made on first use. */
  static withKeyFile(path: string): Sealing {
    const key = makeFileOnce(path, () => randomBytes(32).toString('base64url'));
    if (key.length === 0) throw new Error(`${path} is empty: without its key nothing that was sealed can be read`);
    return new Sealing(new Secret(key.toString()));
  }

  /** `context` ties the sealed value to its owner: it opens under no other. */
  seal(secret: Secret, context: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(Secret.reveal(secret), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  /** Throws when the key or the context is another. */
  open(sealed: Buffer, context: string): Secret {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, nonceBytes))
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    const text = Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
    return new Secret(text.toString('utf8'));
  }
}
