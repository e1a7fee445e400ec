/**
 * Shared memory of how keys and targets fare. The plugin that selects keys writes it; pages, metrics and other plugins
 * read it. Kept across reloads, so that a changed config does not wake a resting key.
 */
export interface KeyHealth {
  get(provider: string, key: string): KeyState | undefined;
  set(provider: string, key: string, state: KeyState): void;
  entries(): Iterable<{ readonly provider: string; readonly key: string; readonly state: KeyState }>;
}

export interface KeyState {
  /** Milliseconds since 1970 until which the key rests; 0 when it serves. `Infinity` until its config changes. */
  restsUntil: number;
  /** Why, in words for an operator. */
  reason: string | undefined;
  /** Failures in a row. */
  failures: number;
  /** Attempts running now. */
  inFlight: number;
  /** Exponentially weighted milliseconds to first content. */
  latencyMs: number | undefined;
  /** Rests that hold for one model only, by the provider's name of it: rate limits and permissions are often by model. */
  modelRests?: Map<string, KeyRest>;
}

export interface KeyRest {
  /** Milliseconds since 1970. */
  until: number;
  reason: string;
  /** Failures in a row. */
  failures: number;
}
