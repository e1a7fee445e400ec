import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError, Secret } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';

interface AdminToken {
  readonly name: string;
  readonly digest: Buffer;
  readonly scopes: readonly ('read' | 'write')[];
}

/** Who may use the admin API: tokens of the config, and one that the first start makes, stores hashed and prints once. */
export class AdminGuard {
  readonly #tokens: readonly AdminToken[];
  /** The token made just now; to be printed once. */
  readonly created: string | undefined;

  constructor(config: Config) {
    const file = join(config.dataDir, 'admin-token');
    const tokens = config.admin.tokens.map(({ name, value, scopes }) => ({ name, digest: digestOf(Secret.reveal(value)), scopes }));
    if (!existsSync(file)) this.created = createToken(config.dataDir, file);
    const stored = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
    this.#tokens = [...tokens, { name: 'first start', digest: stored, scopes: ['read', 'write'] }];
  }

  /** Throws GatewayError AUTH_ADMIN, AUTH_SCOPE. Gives the token's name, for the audit trail. */
  check(authorization: string | undefined, cookie: string | undefined, scope: 'read' | 'write'): string {
    const value = bearer(authorization) ?? cookieValue(cookie);
    if (value === undefined) throw new GatewayError('AUTH_ADMIN', { reason: 'none was sent' });
    const digest = digestOf(value);
    const token = this.#tokens.find((candidate) => candidate.digest.length === digest.length && timingSafeEqual(candidate.digest, digest));
    if (token === undefined) throw new GatewayError('AUTH_ADMIN', { reason: 'it is not known' });
    if (!token.scopes.includes(scope)) throw new GatewayError('AUTH_SCOPE', { scope });
    return token.name;
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

/** The name of the cookie that a signed-in browser holds. */
export const adminCookie = 'bifrost_admin';

function createToken(dataDir: string, file: string): string {
  const token = `bfa_${randomBytes(24).toString('base64url')}`;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, `${digestOf(token).toString('hex')}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return token;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function bearer(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer (.+)$/i.exec(authorization)?.[1];
}

function cookieValue(cookie: string | undefined): string | undefined {
  return cookie
    ?.split(/;\s*/)
    .find((part) => part.startsWith(`${adminCookie}=`))
    ?.slice(adminCookie.length + 1);
}
