import type { KnownDialectId } from '../dialect.ts';

/** The name under which this dialect's own fields travel through the neutral types. */
export const dialectId = 'anthropic.messages' satisfies KnownDialectId;
