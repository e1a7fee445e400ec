import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { accountsOfEntity } from '../../plugin-sdk/ports/accounts.ts';
import type { Entities, Entity, EntityKind, EntityTypes } from '../../plugin-sdk/ports/entities.ts';
import { kindsNaming, referencesOf } from '../../plugin-sdk/ports/entity-references.ts';
import {
  customerSchema,
  type Limits,
  limitSchema,
  providerKeySchema,
  teamSchema,
  virtualKeySchema,
} from '../../plugin-sdk/ports/entity-schemas.ts';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';

/** One kind of entity as the API shows it: everything that routes and the OpenAPI document differ in. */
export interface Resource {
  readonly kind: EntityKind;
  /** Under `/api/`. */
  readonly path: string;
  /** For messages and the document: `virtual key`. */
  readonly noun: string;
  readonly schema: z.ZodType<EntityTypes[EntityKind]>;
  /** `generated`: made here unless given, and shown once. `given`: must be sent, and is never shown. */
  readonly credential: 'generated' | 'given' | 'none';
  /** Limits whose use the ledger counts; `undefined` for kinds without any. */
  readonly accountId: ((id: string) => string) | undefined;
}

export const resources: readonly Resource[] = [
  {
    kind: 'virtual-key',
    path: 'virtual-keys',
    noun: 'virtual key',
    schema: virtualKeySchema,
    credential: 'generated',
    accountId: (id) => `virtual-key:${id}`,
  },
  {
    kind: 'team',
    path: 'teams',
    noun: 'team',
    schema: teamSchema,
    credential: 'none',
    accountId: (id) => `team:${id}`,
  },
  {
    kind: 'customer',
    path: 'customers',
    noun: 'customer',
    schema: customerSchema,
    credential: 'none',
    accountId: (id) => `customer:${id}`,
  },
  {
    kind: 'limit',
    path: 'limits',
    noun: 'limit',
    schema: limitSchema,
    credential: 'none',
    accountId: (id) => `limit:${id}`,
  },
  {
    kind: 'provider-key',
    path: 'provider-keys',
    noun: 'provider key',
    schema: providerKeySchema,
    credential: 'given',
    accountId: undefined,
  },
];

export const idPattern = /^[\w.-]{1,128}$/;

/** A credential that fits into a header. Virtual keys that do not start with `sk-bf-` are only read from `x-bf-vk`. */
const credential = z.string().regex(/^[\x21-\x7e]{8,4096}$/, 'use 8 to 4096 visible ASCII characters');

/** What a create call may say besides the entity's own value. */
export const creation = {
  generated: z.strictObject({
    id: z.string().regex(idPattern, 'use letters, digits, dot, dash and underscore').optional(),
    value: credential.regex(/^.{16,}$/, 'use at least 16 characters').optional(),
  }),
  given: z.strictObject({
    id: z.string().regex(idPattern, 'use letters, digits, dot, dash and underscore').optional(),
    value: credential,
  }),
  none: z.strictObject({
    id: z.string().regex(idPattern, 'use letters, digits, dot, dash and underscore').optional(),
  }),
};

/** What a rotate call says. */
export const rotation = {
  generated: creation.generated.pick({ value: true }),
  given: creation.given.pick({ value: true }),
};

export function newVirtualKey(): string {
  return `sk-bf-${randomBytes(24).toString('base64url')}`;
}

export function newId(kind: EntityKind): string {
  return `${{ 'virtual-key': 'vk', team: 'team', customer: 'cus', limit: 'lim', 'provider-key': 'key' }[kind]}_${randomBytes(9).toString('base64url')}`;
}

/** An entity as the API shows it. */
export interface EntityView {
  readonly id: string;
  readonly version: number;
  readonly origin: 'config' | 'store';
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function viewEntity({ id, value, version, origin, createdAt, updatedAt, hint }: Entity): EntityView {
  return {
    id,
    ...value,
    ...(hint === undefined ? {} : { hint }),
    version,
    origin,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

/** What the ledger counts of an entity. */
export function accountsIn({ id, value }: Entity, { accountId }: Resource): Account[] {
  return accountId === undefined ? [] : accountsOfEntity(accountId(id), value as Limits);
}

/** Entities that name this one. */
export async function referrers(entities: Entities, kind: EntityKind, id: string): Promise<string[]> {
  const found: string[] = [];
  for (const other of kindsNaming(kind)) {
    for (const entity of await entities.list(other)) {
      const names = referencesOf(other, entity.value);
      if (names.some((named) => named.kind === kind && named.id === id)) found.push(`${other} ${entity.id}`);
    }
  }
  return found;
}
