import { defineSlot } from './slot.ts';

/** Who makes an exchange, as far as anyone found out. Set by the plugin that identifies callers. */
export interface Caller {
  /**
   * Stable and never a credential: the virtual key's id, the token's subject, or a hash of the credential sent.
   * Jobs, caches and records belong to it.
   */
  readonly id: string;
  readonly kind: 'virtual-key' | 'token' | 'credential' | 'anonymous';
  readonly name?: string;
  readonly team?: string;
  readonly customer?: string;
}

/** The owner is the identity plugin; without one, readers fall back to `callerOf`. */
export const callerSlot = defineSlot<Caller>('caller');

/** Whether the caller may use a model of a provider; model lists show only those. `model` without provider prefix. */
export type ModelFilter = (provider: string, model: string) => boolean;

/** Set in `preRoute` by the plugin that identifies callers, when the caller is restricted. */
export const modelFilterSlot = defineSlot<ModelFilter>('model filter');

/** Whether a provider's key may serve the caller. */
export type KeyFilter = (provider: string, key: string) => boolean;

/** Set in `preRoute` by the plugin that identifies callers, when the caller is restricted; plugins that select keys obey it. */
export const keyFilterSlot = defineSlot<KeyFilter>('key filter');

/**
 * Further targets that the caller's grant names, as `provider/model`, tried in order when the request's own fail and it
 * names no fallbacks itself.
 */
export const fallbacksSlot = defineSlot<readonly string[]>('fallbacks');
