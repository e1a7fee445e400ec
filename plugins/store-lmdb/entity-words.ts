import type { EntityKind } from '../../plugin-sdk/ports/entities.ts';

/** A kind as messages name it. */
export function wordsOf(kind: EntityKind): string {
  return kind.replace('-', ' ');
}
