import type { EntityKind } from './entities.ts';

/** Which members of an entity's value are ids of others, and of which kind: for whoever offers changes, and for the store. */
export const entityReferences: Readonly<Record<EntityKind, Readonly<Record<string, EntityKind>>>> = {
  'virtual-key': { team: 'team', customer: 'customer' },
  team: { customer: 'customer' },
  customer: {},
  limit: {},
  'provider-key': {},
};

export interface EntityReference {
  readonly member: string;
  readonly kind: EntityKind;
  readonly id: string;
}

/** What a value names. */
export function referencesOf(kind: EntityKind, value: object): EntityReference[] {
  return Object.entries(entityReferences[kind]).flatMap(([member, named]) => {
    const id = (value as Readonly<Record<string, unknown>>)[member];
    return typeof id === 'string' ? [{ member, kind: named, id }] : [];
  });
}

/** Kinds whose entities may name one of this kind, which therefore stays. */
export function kindsNaming(kind: EntityKind): EntityKind[] {
  return (Object.keys(entityReferences) as EntityKind[]).filter((other) =>
    Object.values(entityReferences[other]).includes(kind),
  );
}
