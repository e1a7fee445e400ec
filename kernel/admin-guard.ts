import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adminCookie, GatewayError, Secret } from '../plugin-sdk/index.ts';
import { makeFileOnce } from '../plugin-sdk/make-file-once.ts';
import type { Config } from './config/config.ts';

interface AdminToken {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: readonly ('read' | 'write')[];
}

/** Who may use the admin API: tokens of the config, and the one that the first start made. */
export class AdminGuard {
  readonly #configured: readonly AdminToken[];
  readonly #file: string;
  #stored: AdminToken | undefined = undefined;

  constructor(config: Config) {
    this.#configured = config.admin.tokens.map(({ name, value, scopes }) => ({
      name,
      digest: digestOf(Secret.reveal(value)),
      scopes,
    }));
    this.#file = tokenFile(config.dataDir);
  }

  /** Throws GatewayError AUTH_ADMIN, AUTH_SCOPE. Gives the token's name, for the audit trail. */
  check(authorization: string | undefined, cookie: string | undefined, scope: 'read' | 'write'): string {
    const value = bearer(authorization) ?? cookieValue(cookie);
    if (value === undefined) throw new GatewayError('AUTH_ADMIN', { reason: 'none was sent' });
    const digest = digestOf(value);
    const token = this.#tokens().find(
      (candidate) => candidate.digest.length === digest.length && timingSafeEqual(candidate.digest, digest),
    );
    if (token === undefined) throw new GatewayError('AUTH_ADMIN', { reason: 'it is not known' });
    if (!token.scopes.includes(scope)) throw new GatewayError('AUTH_SCOPE', { scope });
    return token.name;
  }

  /** The stored one is read when first needed: it is made after the first start has succeeded. */
  #tokens(): readonly AdminToken[] {
    if (this.#stored === undefined && existsSync(this.#file)) {
      const digest = Buffer.from(readFileSync(this.#file, 'utf8').trim(), 'hex');
      this.#stored = { name: 'first start', digest, scopes: ['read', 'write'] };
    }
    return this.#stored === undefined ? this.#configured : [...this.#configured, this.#stored];
  }

  /** The same as a question. */
  allows(token: string | undefined, scope: 'read' | 'write'): boolean {
    if (token === undefined) return false;
    try {
      this.check(`Bearer ${token}`, undefined, scope);
      return true;
    } catch {
      return false;
    }
  }
}

/** Makes an admin token at the first start, stores its hash and gives it, to be printed once; later gives nothing. */
export function ensureAdminToken(dataDir: string): string | undefined {
  const token = `bfa_${randomBytes(24).toString('base64url')}`;
  const line = `${digestOf(token).toString('hex')}\n`;
  mkdirSync(dataDir, { recursive: true });
  return makeFileOnce(tokenFile(dataDir), () => line).toString() === line ? token : undefined;
}

function tokenFile(dataDir: string): string {
  return join(dataDir, 'admin-token');
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The token that an `authorization` header bears. */
export function bearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer (.+)$/i.exec(authorization)?.[1];
}

function cookieValue(cookie: string | undefined): string | undefined {
  return cookie
    ?.split(/;\s*/)
    .find((part) => part.startsWith(`${adminCookie}=`))
    ?.slice(adminCookie.length + 1);
}
