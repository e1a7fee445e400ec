import { createHash } from 'node:crypto';
import {
  type Caller,
  type Exchange,
  GatewayError,
  isThenable,
  type Logger,
  type MaybePromise,
} from '../../plugin-sdk/index.ts';
import type { Entities, Entity } from '../../plugin-sdk/ports/entities.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import { RecentMap } from './recent-map.ts';
import { type Owners, type Subject, subjectOfOthers, subjectOfVirtualKey } from './subject.ts';
import type { TokenVerifier } from './tokens.ts';

/** Callers are remembered by what they sent, in memory only, so that hashing is done once and not on every call. */
const maxRemembered = 20_000;

const anonymous: Caller = { id: 'anonymous', kind: 'anonymous' };

/**
 * Finds out who calls. A virtual key wins over a token, a token over any other credential; an unknown virtual key is
 * refused wherever it stands. What is remembered is dropped as soon as any entity changes.
 */
export class Identity {
  readonly #entities: Entities;
  readonly #tokens: TokenVerifier | undefined;
  readonly #byVirtualKey = new RecentMap<string, Subject>(maxRemembered);
  readonly #byId = new RecentMap<string, Subject>(maxRemembered);
  readonly #byCredential = new RecentMap<string, Subject>(maxRemembered);
  /** Callers of whom the operator was told, since entities changed last, that their owner is missing. */
  readonly #reported = new Set<string>();
  readonly #log: Logger;
  #version = -1;

  constructor(entities: Entities, tokens: TokenVerifier | undefined, log: Logger) {
    this.#entities = entities;
    this.#tokens = tokens;
    this.#log = log;
  }

  /** Throws GatewayError AUTH_UNKNOWN, AUTH_TOKEN, AUTH_BLOCKED. */
  identify(request: Exchange['request']): MaybePromise<Subject> {
    const fresh = this.#refresh();
    const credentials = credentialsOf(request);
    return isThenable(fresh) ? fresh.then(() => this.#find(credentials)) : this.#find(credentials);
  }

  /** The subject of a caller who was identified before, such as the one that a job belongs to. Throws AUTH_UNKNOWN, AUTH_BLOCKED. */
  async recall(caller: Caller): Promise<Subject> {
    await this.#refresh();
    const known = this.#byId.get(`${caller.kind} ${caller.id}`);
    if (known !== undefined) return known;
    let subject: Subject;
    if (caller.kind === 'virtual-key') {
      const entity = await this.#entities.get('virtual-key', caller.id);
      if (entity === undefined) throw new GatewayError('AUTH_UNKNOWN', {});
      subject = await this.#prepare(entity);
    } else {
      subject = subjectOfOthers(caller, await this.#payers(caller.id, caller.team, caller.customer));
    }
    this.#byId.set(`${caller.kind} ${caller.id}`, subject);
    return subject;
  }

  #find({ virtualKey, other }: Credentials): MaybePromise<Subject> {
    if (virtualKey !== undefined) return this.#byVirtualKey.get(virtualKey) ?? this.#lookUp(virtualKey);
    if (other === undefined) return this.#remember('', anonymous);
    if (this.#tokens?.recognises(other)) return this.#ofToken(other, this.#tokens);
    return this.#remember(other, undefined);
  }

  async #lookUp(value: string): Promise<Subject> {
    const version = this.#version;
    const entity = await this.#entities.findVirtualKey(value);
    if (entity === undefined) throw new GatewayError('AUTH_UNKNOWN', {});
    const subject = await this.#prepare(entity);
    if (version === this.#version) this.#byVirtualKey.set(value, subject);
    return subject;
  }

  async #ofToken(token: string, verifier: TokenVerifier): Promise<Subject> {
    const verified = await verifier.verify(token);
    const caller: Caller = {
      id: `token:${verified.subject}`,
      kind: 'token',
      ...(verified.name === undefined ? {} : { name: verified.name }),
    };
    for (const team of verified.teams) {
      const owners = await this.#owners(team, undefined);
      if (owners.team !== undefined) return subjectOfOthers(caller, owners);
    }
    if (verifier.requiresTeam) throw new GatewayError('AUTH_TOKEN', { reason: 'it names no team that is known here' });
    return subjectOfOthers(caller, { team: undefined, customer: undefined });
  }

  #remember(credential: string, known: Caller | undefined): Subject {
    let subject = this.#byCredential.get(credential);
    if (subject === undefined) {
      const caller = known ?? { id: `credential:${fingerprint(credential)}`, kind: 'credential' };
      subject = subjectOfOthers(caller, { team: undefined, customer: undefined });
      this.#byCredential.set(credential, subject);
    }
    return subject;
  }

  async #prepare(entity: Entity<'virtual-key'>): Promise<Subject> {
    const { team, customer } = entity.value;
    return subjectOfVirtualKey(entity, await this.#payers(`virtual key ${entity.id}`, team, customer));
  }

  /** The owners of a caller, all of them: without one that has gone, its budgets and limits would hold no more. Throws AUTH_BLOCKED. */
  async #payers(who: string, teamId: string | undefined, customerId: string | undefined): Promise<Owners> {
    const owners = await this.#owners(teamId, customerId);
    const { team, customer } = owners;
    if (teamId !== undefined && team === undefined) throw this.#gone(who, `team ${teamId}`);
    const payer = team?.value.customer ?? customerId;
    if (payer !== undefined && customer === undefined) throw this.#gone(who, `customer ${payer}`);
    return owners;
  }

  #gone(who: string, owner: string): GatewayError {
    if (!this.#reported.has(who))
      this.#log.warn({ caller: who, owner }, 'calls are refused: their owner does not exist');
    this.#reported.add(who);
    const reason = `The ${owner}, which pays for this caller, does not exist any more: it has to be restored, or the caller given another`;
    return new GatewayError('AUTH_BLOCKED', { reason });
  }

  async #owners(teamId: string | undefined, customerId: string | undefined): Promise<Owners> {
    const team = teamId === undefined ? undefined : await this.#entities.get('team', teamId);
    const payer = team?.value.customer ?? customerId;
    return { team, customer: payer === undefined ? undefined : await this.#entities.get('customer', payer) };
  }

  /** Forgets everything when an entity has changed. */
  #refresh(): MaybePromise<void> {
    const version = this.#entities.version();
    return isThenable(version) ? version.then((now) => this.#forget(now)) : this.#forget(version);
  }

  #forget(version: number): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#byVirtualKey.clear();
    this.#byId.clear();
    this.#reported.clear();
  }
}

/** Stable and not reversible for any credential with enough entropy to be one. */
function fingerprint(credential: string): string {
  return createHash('sha256').update(credential).digest('hex').slice(0, 32);
}
