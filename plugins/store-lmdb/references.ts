import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { Entity, EntityKind, EntityTypes } from '../../plugin-sdk/ports/entities.ts';
import { kindsNaming, referencesOf } from '../../plugin-sdk/ports/entity-references.ts';
import type { StoredProviderKey } from '../../plugin-sdk/ports/entity-schemas.ts';
import { wordsOf } from './entity-words.ts';

interface Reads {
  get(kind: EntityKind, id: string): Entity | undefined;
  list(kind: EntityKind): readonly Entity[];
}

/**
 * Within the transaction that writes `value`. What the old value named too may be gone, since the config file can drop what
 * it declared: such an entity must still be changed to something better. Throws GatewayError STORE_DANGLING.
 */
export function checkNamed<K extends EntityKind>(
  entities: Reads,
  kind: K,
  value: EntityTypes[K],
  old: EntityTypes[K] | undefined,
): void {
  const before = old === undefined ? [] : referencesOf(kind, old);
  for (const { member, kind: named, id } of referencesOf(kind, value)) {
    if (before.some((known) => known.member === member && known.id === id)) continue;
    if (entities.get(named, id) === undefined)
      throw new GatewayError('STORE_DANGLING', { entity: wordsOf(named), id }, { param: member });
  }
}

/** Within the transaction that deletes the entity. Throws GatewayError STORE_NAMED. */
export function checkUnnamed(entities: Reads, kind: EntityKind, id: string): void {
  for (const other of kindsNaming(kind)) {
    for (const { id: by, value } of entities.list(other)) {
      if (referencesOf(other, value).some((named) => named.kind === kind && named.id === id))
        throw new GatewayError('STORE_NAMED', { entity: wordsOf(kind), id, by: `${wordsOf(other)} ${by}` });
    }
  }
}

/**
 * Within the transaction that writes a provider key: health, metrics and `x-bf-api-key` know it by its name alone. Stores of
 * before may hold two of one name; each can still be changed otherwise. Throws GatewayError STORE_TAKEN.
 */
export function checkName(
  entities: Reads,
  id: string,
  { provider, name }: StoredProviderKey,
  old: StoredProviderKey | undefined,
): void {
  if (old?.provider === provider && old.name === name) return;
  for (const other of entities.list('provider-key')) {
    const known = other.value as StoredProviderKey;
    if (other.id !== id && known.provider === provider && known.name === name)
      throw new GatewayError('STORE_TAKEN', { entity: wordsOf('provider-key'), member: 'name' }, { param: 'name' });
  }
}
