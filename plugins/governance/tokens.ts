import type { JWK, JWTPayload, JWTVerifyGetKey } from 'jose';
import { GatewayError, type Host } from '../../plugin-sdk/index.ts';
import type { IdentityOptions } from './options.ts';
import { RecentMap } from './recent-map.ts';

export interface VerifiedToken {
  readonly subject: string;
  readonly name: string | undefined;
  /** Ids of teams, best first. */
  readonly teams: readonly string[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Keys are fetched again after this time, or when a token names one that is not known, but not more often than that. */
const keysFreshMs = 10 * 60_000;
const keysCooldownMs = 30_000;
const maxRemembered = 10_000;

/** Verifies JWT bearer tokens with the issuer's public keys. A token that passed is remembered until it expires. */
export class TokenVerifier {
  readonly #options: IdentityOptions;
  readonly #host: Host;
  readonly #verified = new RecentMap<string, VerifiedToken>(maxRemembered);
  #keys: JWTVerifyGetKey | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<JWTVerifyGetKey> | undefined;

  constructor(options: IdentityOptions, host: Host) {
    this.#options = options;
    this.#host = host;
  }

  get requiresTeam(): boolean {
    return this.#options.requireTeam;
  }

  /** True for what looks like a JWT: three parts, the first of them a JSON object in base64url. */
  recognises(credential: string): boolean {
    return credential.startsWith('eyJ') && credential.split('.').length === 3;
  }

  /** Throws GatewayError AUTH_TOKEN. */
  async verify(token: string): Promise<VerifiedToken> {
    const known = this.#verified.get(token);
    if (known !== undefined && known.expiresAt > this.#host.clock.now()) return known;
    const verified = this.#read(await this.#check(token));
    this.#verified.set(token, verified);
    return verified;
  }

  async #check(token: string): Promise<JWTPayload> {
    const { jwtVerify, errors } = await import('jose');
    const { issuer, audience, algorithms, clockToleranceSeconds } = this.#options;
    const claims = { issuer, audience, algorithms, clockTolerance: clockToleranceSeconds, requiredClaims: ['exp'] };
    const now = new Date(this.#host.clock.now());
    try {
      try {
        return (await jwtVerify(token, await this.#keysFor(keysFreshMs), { ...claims, currentDate: now })).payload;
      } catch (cause) {
        if (!(cause instanceof errors.JWKSNoMatchingKey) || this.#options.jwksUrl === undefined) throw cause;
        return (await jwtVerify(token, await this.#keysFor(keysCooldownMs), { ...claims, currentDate: now })).payload;
      }
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause;
      throw new GatewayError('AUTH_TOKEN', { reason: cause.message }, { cause });
    }
  }

  #read(payload: JWTPayload): VerifiedToken {
    const { subjectClaim, nameClaim, teamClaim, teams } = this.#options;
    const subject = payload[subjectClaim];
    if (typeof subject !== 'string' || subject === '') {
      throw new GatewayError('AUTH_TOKEN', { reason: `the claim ${subjectClaim} is missing` });
    }
    const name = nameClaim === undefined ? undefined : payload[nameClaim];
    const claimed = teamClaim === undefined ? [] : [payload[teamClaim]].flat();
    return {
      subject,
      name: typeof name === 'string' ? name : undefined,
      teams: claimed.filter((team) => typeof team === 'string').map((team) => teams[team] ?? team),
      expiresAt: (payload.exp ?? 0) * 1_000,
    };
  }

  /** Keys not older than `maxAgeMs`. One fetch serves all that wait; a failed one leaves the old keys in use. */
  async #keysFor(maxAgeMs: number): Promise<JWTVerifyGetKey> {
    const { createLocalJWKSet } = await import('jose');
    const { keys, jwksUrl } = this.#options;
    if (jwksUrl === undefined) return (this.#keys ??= createLocalJWKSet({ keys: keys as JWK[] }));
    const age = this.#host.clock.now() - this.#fetchedAt;
    if (this.#keys !== undefined && age < maxAgeMs) return this.#keys;
    this.#fetching ??= this.#fetch(jwksUrl)
      .then((set) => (this.#keys = createLocalJWKSet(set)))
      .finally(() => (this.#fetching = undefined));
    try {
      return await this.#fetching;
    } catch (cause) {
      this.#host.log.warn({ url: jwksUrl, err: cause }, 'the keys of the token issuer could not be fetched');
      if (this.#keys !== undefined) return this.#keys;
      throw new GatewayError('AUTH_TOKEN', { reason: 'the keys of its issuer cannot be fetched' }, { cause });
    }
  }

  async #fetch(url: string): Promise<{ keys: JWK[] }> {
    const { origin, pathname, search, hostname } = new URL(url);
    const reply = await this.#host.fetch(
      {
        provider: 'identity',
        origin,
        method: 'GET',
        path: pathname + search,
        headers: ['accept', 'application/json'],
        body: undefined,
        // The operator names this address, so a private one is meant.
        privateAddresses: isPrivateName(hostname),
      },
      { timeoutMs: 10_000, bodyBytes: 1_000_000 },
    );
    if (reply.status !== 200) throw new Error(`status ${reply.status}`);
    this.#fetchedAt = this.#host.clock.now();
    return JSON.parse(reply.body.toString('utf8'));
  }
}

function isPrivateName(hostname: string): boolean {
  return hostname === 'localhost' || /^(\[|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(hostname);
}
