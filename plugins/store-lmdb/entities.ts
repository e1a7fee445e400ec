import { createHash, timingSafeEqual } from 'node:crypto';
import type { Database } from 'lmdb';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { Clock } from '../../plugin-sdk/host.ts';
import type { JsonValue } from '../../plugin-sdk/json.ts';
import type {
  Actor,
  AuditEntry,
  Entities,
  Entity,
  EntityKind,
  EntityTypes,
  Expected,
  PutOptions,
} from '../../plugin-sdk/ports/entities.ts';
import type { StoredProviderKey } from '../../plugin-sdk/ports/entity-schemas.ts';
import { Secret } from '../../plugin-sdk/secret.ts';
import { commit } from './commit.ts';
import { wordsOf } from './entity-words.ts';
import { type Environment, openDatabase } from './open-shared.ts';
import { checkName, checkNamed, checkUnnamed } from './references.ts';
import type { Sealing } from './sealing.ts';

/** An entity as it lies in the database. */
interface Row<K extends EntityKind = EntityKind> {
  value: EntityTypes[K];
  version: number;
  createdAt: number;
  updatedAt: number;
  hint?: string;
  /** SHA-256 of a virtual key's credential, as hex. Its entropy makes salt and stretching pointless. */
  hash?: string;
  sealed?: Buffer;
}

type RowKey = [kind: EntityKind, id: string];

/**
 * Entities in the durable environment. A write is confirmed when it is on disk; one read of a counter tells every
 * process that something changed (LMDB renews a process's view of the data every millisecond).
 */
export class LmdbEntities implements Entities {
  readonly #environment: Environment;
  readonly #rows: Database<Row, RowKey>;
  /** Hash of a credential → id of its virtual key. */
  readonly #hashes: Database<string, string>;
  readonly #trail: Database<AuditEntry, number>;
  readonly #counters: Database<number, string>;
  readonly #sealing: Sealing;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #declared = new Map<string, Entity>();
  readonly #declaredHashes = new Map<string, string>();
  #version = 0;
  #readAt = Number.NaN;

  constructor(environment: Environment, sealing: Sealing, clock: Pick<Clock, 'now'>) {
    this.#environment = environment;
    this.#sealing = sealing;
    this.#clock = clock;
    this.#rows = openDatabase(environment, 'entities', { encoding: 'msgpack' });
    this.#hashes = openDatabase(environment, 'virtual-key-hashes', { encoding: 'msgpack' });
    this.#trail = openDatabase(environment, 'audit', { encoding: 'msgpack' });
    this.#counters = openDatabase(environment, 'entity-counters', { encoding: 'msgpack' });
  }

  /** Read at most once a millisecond: every call asks for it, some several times. */
  version(): number {
    const now = this.#clock.now();
    if (now !== this.#readAt) {
      this.#readAt = now;
      this.#version = this.#storedVersion();
    }
    return this.#version;
  }

  get<K extends EntityKind>(kind: K, id: string): Entity<K> | undefined {
    const declared = this.#declared.get(`${kind} ${id}`);
    if (declared !== undefined) return declared as Entity<K>;
    const row = this.#rows.get([kind, id]);
    return row === undefined ? undefined : entityOf(kind, id, row as Row<K>);
  }

  list<K extends EntityKind>(kind: K): Entity<K>[] {
    const found = new Map<string, Entity<K>>();
    for (const { key, value } of this.#rows.getRange({ start: [kind, ''], end: [kind, '\uffff'] })) {
      found.set(key[1], entityOf(kind, key[1], value as Row<K>));
    }
    for (const entity of this.#declared.values()) if (entity.kind === kind) found.set(entity.id, entity as Entity<K>);
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async put<K extends EntityKind>(kind: K, id: string, value: EntityTypes[K], options: PutOptions): Promise<Entity<K>> {
    const { credential, actor } = options;
    const row = await this.#write(kind, id, options.expected, (old, now) => {
      checkNamed(this, kind, value, old?.value);
      if (kind === 'provider-key') checkName(this, id, value as StoredProviderKey, old?.value as StoredProviderKey);
      const next: Row<K> = {
        value,
        version: (old?.version ?? 0) + 1,
        createdAt: old?.createdAt ?? now,
        updatedAt: now,
      };
      if (credential !== undefined) next.hint = hintOf(Secret.reveal(credential));
      else if (old?.hint !== undefined) next.hint = old.hint;
      if (kind === 'virtual-key') {
        const hash = credential === undefined ? old?.hash : hashOf(Secret.reveal(credential));
        if (credential !== undefined && this.#isTaken(hash!)) {
          throw new GatewayError('STORE_TAKEN', { entity: wordsOf(kind), member: 'value' }, { param: 'value' });
        }
        if (old?.hash !== hash) this.#removeHash(id, old?.hash);
        if (hash !== undefined) {
          next.hash = hash;
          this.#hashes.put(hash, id);
        }
      } else {
        const sealed = credential === undefined ? old?.sealed : this.#sealing.seal(credential, `${kind} ${id}`);
        if (sealed !== undefined) next.sealed = sealed;
      }
      this.#rows.put([kind, id], next);
      const action = old === undefined ? 'create' : credential === undefined ? 'update' : 'rotate';
      this.#append({ actor, action, kind, id, ...change(old?.value, value) }, now);
      return next;
    });
    return entityOf(kind, id, row);
  }

  async delete(kind: EntityKind, id: string, expected: Expected, actor: Actor): Promise<void> {
    await this.#write(kind, id, expected, (old, now) => {
      if (old === undefined) throw new GatewayError('STORE_UNKNOWN', { entity: wordsOf(kind), id });
      checkUnnamed(this, kind, id);
      this.#removeHash(id, old.hash);
      this.#rows.remove([kind, id]);
      this.#append({ actor, action: 'delete', kind, id, ...change(old.value, undefined) }, now);
    });
  }

  findVirtualKey(credential: string): Entity<'virtual-key'> | undefined {
    const hash = hashOf(credential);
    const declared = this.#declaredHashes.get(hash);
    if (declared !== undefined) return this.get('virtual-key', declared);
    const id = this.#hashes.get(hash);
    const row = id === undefined ? undefined : (this.#rows.get(['virtual-key', id]) as Row<'virtual-key'> | undefined);
    if (id === undefined || row?.hash === undefined || this.#declared.has(`virtual-key ${id}`)) return undefined;
    return timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash)) ? entityOf('virtual-key', id, row) : undefined;
  }

  providerCredential(id: string): Secret | undefined {
    const sealed = this.#rows.get(['provider-key', id])?.sealed;
    return sealed === undefined ? undefined : this.#sealing.open(sealed, `provider-key ${id}`);
  }

  declare<K extends EntityKind>(kind: K, id: string, value: EntityTypes[K], credential?: Secret): void {
    const now = this.#clock.now();
    const entity: Entity<K> = { kind, id, value, version: 0, origin: 'config', createdAt: now, updatedAt: now };
    if (credential === undefined) {
      this.#declared.set(`${kind} ${id}`, entity);
      return;
    }
    const plain = Secret.reveal(credential);
    this.#declared.set(`${kind} ${id}`, { ...entity, hint: hintOf(plain) });
    if (kind === 'virtual-key') this.#declaredHashes.set(hashOf(plain), id);
  }

  async record(entry: Omit<AuditEntry, 'sequence' | 'at'>): Promise<void> {
    await commit(this.#environment, () => this.#append(entry, this.#clock.now()));
    await this.#environment.flushed;
  }

  audit(options: { readonly limit: number; readonly before?: number }): AuditEntry[] {
    const start = options.before === undefined ? Number.MAX_SAFE_INTEGER : options.before - 1;
    return [...this.#trail.getRange({ start, reverse: true, limit: options.limit })].map(({ value }) => value);
  }

  /** One durable step: checks, the change and the new version. Nothing is written when a check throws. */
  async #write<K extends EntityKind, R>(
    kind: K,
    id: string,
    expected: Expected,
    change: (old: Row<K> | undefined, now: number) => R,
  ): Promise<R> {
    if (this.#declared.has(`${kind} ${id}`)) throw new GatewayError('STORE_DECLARED', { entity: wordsOf(kind), id });
    const result = await commit(this.#environment, () => {
      const old = this.#rows.get([kind, id]) as Row<K> | undefined;
      if (expected === 'absent' && old !== undefined)
        throw new GatewayError('STORE_CONFLICT', { entity: wordsOf(kind) });
      if (typeof expected === 'number') {
        if (old === undefined) throw new GatewayError('STORE_UNKNOWN', { entity: wordsOf(kind), id });
        if (old.version !== expected) throw new GatewayError('STORE_CONFLICT', { entity: wordsOf(kind) });
      }
      const value = change(old, this.#clock.now());
      this.#counters.put('version', this.#storedVersion() + 1);
      return value;
    });
    this.#readAt = Number.NaN;
    await this.#environment.flushed;
    return result;
  }

  #isTaken(hash: string): boolean {
    return this.#declaredHashes.has(hash) || this.#hashes.get(hash) !== undefined;
  }

  /** Two keys of one credential, which stores of before may hold, have one hash between them: it is of the later key. */
  #removeHash(id: string, hash: string | undefined): void {
    if (hash !== undefined && this.#hashes.get(hash) === id) this.#hashes.remove(hash);
  }

  #storedVersion(): number {
    return this.#counters.get('version') ?? 0;
  }

  #append(entry: Omit<AuditEntry, 'sequence' | 'at'>, at: number): void {
    const sequence = (this.#counters.get('audit') ?? 0) + 1;
    this.#counters.put('audit', sequence);
    this.#trail.put(sequence, { sequence, at, ...entry });
  }
}

function entityOf<K extends EntityKind>(kind: K, id: string, row: Row<K>): Entity<K> {
  const { value, version, createdAt, updatedAt, hint } = row;
  return { kind, id, value, version, origin: 'store', createdAt, updatedAt, ...(hint === undefined ? {} : { hint }) };
}

function change(before: object | undefined, after: object | undefined): Pick<AuditEntry, 'before' | 'after'> {
  return {
    ...(before === undefined ? {} : { before: before as JsonValue }),
    ...(after === undefined ? {} : { after: after as JsonValue }),
  };
}

function hashOf(credential: string): string {
  return createHash('sha256').update(credential).digest('hex');
}

/** Enough to recognise a credential, too little to guess it. */
function hintOf(credential: string): string {
  return credential.length < 24 ? '…' : `${credential.slice(0, 6)}…${credential.slice(-4)}`;
}
