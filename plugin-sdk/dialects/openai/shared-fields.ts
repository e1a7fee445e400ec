import type { Conversation } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import type { KnownDialectId } from '../dialect.ts';
import { carried } from './carry.ts';

/** Fields without a place in the conversation that chat and responses both have, under the same name. */
export const sharedWithResponses = [
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'moderation',
] as const;

/** The shared fields that the other OpenAI dialect left. */
export function sharedFields(conversation: Conversation, other: KnownDialectId): JsonObject {
  const theirs = carried(conversation, other);
  const result: JsonObject = {};
  for (const field of sharedWithResponses)
    if (theirs?.[field] !== undefined && theirs[field] !== null) result[field] = theirs[field];
  return result;
}

/** OpenAI has no `standard`; its `default` means the same. */
export function serviceTier(tier: Conversation['serviceTier']): string | undefined {
  return tier === 'standard' ? 'default' : tier;
}

/** The tier that an answer of another provider names, if OpenAI has the word. */
export function serviceTierOf(tier: string | undefined): string | undefined {
  if (tier === 'standard') return 'default';
  return tier !== undefined && ['auto', 'default', 'flex', 'priority', 'scale'].includes(tier) ? tier : undefined;
}
