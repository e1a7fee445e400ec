/** What a Claude model takes, wherever it is served. Rejected things are translated or reported as lost, never sent. */
export interface ClaudeCapabilities {
  /** Whose signed thinking the model accepts back. */
  readonly maker: string | undefined;
  /** Most tokens of one answer. */
  readonly maxOutput: number;
  /** temperature, top_p and top_k are accepted. */
  readonly sampling: boolean;
  /** temperature and top_p are accepted together. */
  readonly samplingPair: boolean;
  /**
   * Ways to think: `budget` (`enabled` with `budget_tokens`), `adaptive`, `off` (`disabled` is accepted) and
   * `between-tools` (the least that a model allows which cannot be switched off).
   */
  readonly thinking: readonly ThinkingMode[];
  /** Accepted `output_config.effort` words, weakest first; empty when the model has none. */
  readonly effort: readonly EffortLevel[];
  /** `output_config.format` with a JSON Schema, and strict tools. */
  readonly nativeSchema: boolean;
  /** tool_choice `any` and `tool`. */
  readonly forcedToolChoice: boolean;
  /** A trailing assistant message is continued. */
  readonly prefill: boolean;
  /** `role: "system"` inside `messages`. */
  readonly midConversationSystem: boolean;
}

type ThinkingMode = 'budget' | 'adaptive' | 'off' | 'between-tools';
export type EffortLevel = 'low' | 'medium' | 'high' | 'xhigh' | 'max';

const toXhigh: readonly EffortLevel[] = ['low', 'medium', 'high', 'xhigh', 'max'];
const withoutXhigh: readonly EffortLevel[] = ['low', 'medium', 'high', 'max'];
const toHigh: readonly EffortLevel[] = ['low', 'medium', 'high'];

const newest: ClaudeCapabilities = {
  maker: 'anthropic',
  maxOutput: 128_000,
  sampling: false,
  samplingPair: false,
  thinking: ['adaptive', 'off'],
  effort: toXhigh,
  nativeSchema: true,
  forcedToolChoice: true,
  prefill: false,
  midConversationSystem: true,
};
const generation47 = { ...newest, midConversationSystem: false };
const generation46: ClaudeCapabilities = {
  ...generation47,
  sampling: true,
  thinking: ['adaptive', 'budget', 'off'],
  effort: withoutXhigh,
};
const generation45: ClaudeCapabilities = {
  ...generation46,
  maxOutput: 64_000,
  thinking: ['budget', 'off'],
  effort: [],
  prefill: true,
};
const generation4: ClaudeCapabilities = { ...generation45, nativeSchema: false, samplingPair: true };
const generation3: ClaudeCapabilities = { ...generation4, maxOutput: 4_096, thinking: [] };

/** First match wins: longer names stand before the names that they contain. Source: wire facts 3.6. */
export const catalogue: readonly { readonly match: string; readonly can: ClaudeCapabilities }[] = [
  { match: 'opus-5-5', can: { ...newest, thinking: ['adaptive'], forcedToolChoice: false } },
  { match: 'sonnet-5-5', can: { ...newest, thinking: ['adaptive', 'between-tools'], forcedToolChoice: false } },
  { match: 'haiku-5-5', can: newest },
  { match: 'fable-5-1', can: { ...newest, thinking: ['adaptive'], forcedToolChoice: false } },
  { match: 'fable-5-2', can: { ...newest, thinking: ['adaptive'], forcedToolChoice: false } },
  { match: 'fable-5', can: { ...newest, thinking: ['adaptive'] } },
  { match: 'opus-5', can: newest },
  { match: 'sonnet-5', can: newest },
  { match: 'opus-4-8', can: newest },
  { match: 'opus-4-7', can: generation47 },
  { match: 'opus-4-6', can: generation46 },
  { match: 'sonnet-4-6', can: generation46 },
  { match: 'opus-4-5', can: { ...generation45, effort: toHigh } },
  { match: 'sonnet-4-5', can: generation45 },
  { match: 'haiku-4-5', can: generation45 },
  { match: 'opus-4-1', can: { ...generation45, maxOutput: 32_000 } },
  { match: 'sonnet-4', can: generation4 },
  { match: 'opus-4', can: { ...generation4, maxOutput: 32_000 } },
  { match: '3-7-sonnet', can: generation4 },
  { match: 'claude-3-5', can: { ...generation3, maxOutput: 8_192 } },
  { match: 'claude-3', can: generation3 },
  { match: 'claude-v2', can: generation3 },
  { match: 'claude-instant', can: generation3 },
  // A Claude that came after this list: what every model since 4.7 takes and none rejects.
  {
    match: 'claude',
    can: { ...newest, thinking: ['adaptive'], forcedToolChoice: false, midConversationSystem: false },
  },
];

/** A model of another maker behind this format: the plain features, and none of the proofs. */
const stranger: ClaudeCapabilities = { ...generation3, maker: undefined, maxOutput: 8_192 };

/**
 * The capabilities of a model by its id (`claude-opus-4-5-20251101`, `us.anthropic.claude-sonnet-4-6`,
 * `claude-sonnet-4.5`, `claude-opus-4@20250514`). `overrides` replaces single properties; unknown keys are ignored.
 */
export function capabilitiesOf(model: string, overrides: Readonly<Record<string, unknown>> = {}): ClaudeCapabilities {
  const name = model.toLowerCase().replaceAll('.', '-');
  const known = catalogue.find((entry) => name.includes(entry.match))?.can ?? stranger;
  let result: Record<string, unknown> | undefined;
  for (const key in known) {
    if (overrides[key] === undefined) continue;
    result ??= { ...known };
    result[key] = overrides[key];
  }
  return (result as ClaudeCapabilities | undefined) ?? known;
}
