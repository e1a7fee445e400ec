import type { JsonValue } from '../json.ts';
import type { MaybePromise } from '../maybe.ts';
import { definePort } from '../ports.ts';
import type { Secret } from '../secret.ts';
import type { Customer, Limit, StoredProviderKey, Team, VirtualKey } from './entity-schemas.ts';

export interface EntityTypes {
  readonly 'virtual-key': VirtualKey;
  readonly team: Team;
  readonly customer: Customer;
  readonly limit: Limit;
  readonly 'provider-key': StoredProviderKey;
}

export type EntityKind = keyof EntityTypes;

export interface Entity<K extends EntityKind = EntityKind> {
  readonly kind: K;
  readonly id: string;
  readonly value: EntityTypes[K];
  /** Rises with each change; the ETag. */
  readonly version: number;
  /** `config`: declared in the config file, which wins; it cannot be changed at run time. */
  readonly origin: 'config' | 'store';
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Start and end of the credential, for people to recognise it, such as `sk-bf-…3f9a`. */
  readonly hint?: string;
}

/** What a write expects to find: a version, or nothing there yet. Absent: whatever there is. */
export type Expected = number | 'absent' | undefined;

/** Who changed something, for the audit trail. */
export interface Actor {
  /** Such as `admin:default`; never a credential. */
  readonly id: string;
  readonly address?: string;
  readonly requestId?: string;
}

export interface AuditEntry {
  /** Rises by one with each entry. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: Actor;
  readonly action: 'create' | 'update' | 'rotate' | 'delete' | 'reset-usage' | 'clear' | 'cancel';
  /** An entity's, or what else an operator changes. */
  readonly kind: EntityKind | 'cache' | 'job';
  /** Which one; of a cache what its entries had in common, such as `namespace=web`, or `all`. */
  readonly id: string;
  /** The values around the change; credentials are never part of a value. */
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/**
 * Virtual keys and what they belong to. Everything written is there for every process on its next call.
 *
 * Writes throw GatewayError STORE_CONFLICT when what they expect is not there, STORE_UNKNOWN for a missing entity,
 * STORE_DECLARED for one that the config file names, STORE_TAKEN for the credential of another virtual key, STORE_DANGLING
 * for a new name of what does not exist and STORE_NAMED for the deletion of what others name. Each checks all this and
 * writes its audit entry in the same step: of two writes that exclude each other, one is refused.
 */
export interface Entities {
  /** Changes whenever anything changes; cheap enough to ask on every request. */
  version(): MaybePromise<number>;
  get<K extends EntityKind>(kind: K, id: string): MaybePromise<Entity<K> | undefined>;
  /** Sorted by id. */
  list<K extends EntityKind>(kind: K): MaybePromise<readonly Entity<K>[]>;
  put<K extends EntityKind>(kind: K, id: string, value: EntityTypes[K], options: PutOptions): MaybePromise<Entity<K>>;
  delete(kind: EntityKind, id: string, expected: Expected, actor: Actor): MaybePromise<void>;
  /** The virtual key with this credential. */
  findVirtualKey(credential: string): MaybePromise<Entity<'virtual-key'> | undefined>;
  /** The credential of a provider key. */
  providerCredential(id: string): MaybePromise<Secret | undefined>;
  /** What the config file names: held in memory, for this generation only. Called in `setup`. */
  declare<K extends EntityKind>(kind: K, id: string, value: EntityTypes[K], credential?: Secret): void;
  /** Adds to the trail what changed no entity, such as `reset-usage`. */
  record(entry: Omit<AuditEntry, 'sequence' | 'at'>): MaybePromise<void>;
  /** Newest first, before a sequence number. */
  audit(options: { readonly limit: number; readonly before?: number }): MaybePromise<readonly AuditEntry[]>;
}

export interface PutOptions {
  readonly expected: Expected;
  readonly actor: Actor;
  /** A new credential: a virtual key's is kept as a hash, a provider key's sealed. */
  readonly credential?: Secret;
}

export const entitiesPort = definePort<Entities>('entities');
