import { GatewayError, type HookName, isGatewayError, isThenable } from '../plugin-sdk/index.ts';

/** Whom a failure is put down to. */
export interface Culprit {
  readonly plugin: string;
  readonly hook: HookName;
}

/** What a plugin threw, with its name on it. */
export function blame({ plugin, hook }: Culprit, cause: unknown): GatewayError {
  if (!isGatewayError(cause)) return new GatewayError('PLUGIN_FAILED', { plugin, hook }, { cause, plugin, hook });
  cause.plugin ??= plugin;
  cause.hook ??= hook;
  return cause;
}

/** A plugin gave what it must not. A promise among that may reject still, and nobody waits for it any more. */
export function badResult({ plugin, hook }: Culprit, reason: string, result?: unknown): GatewayError {
  if (isThenable(result)) result.then(undefined, () => {});
  return new GatewayError('PLUGIN_BAD_RESULT', { plugin, hook, reason }, { plugin, hook });
}
