import { type ClaudeCapabilities, capabilitiesOf as claudeCapabilitiesOf } from '../anthropic-messages/capabilities.ts';

/** What a model takes through the Converse API. */
export interface ConverseCapabilities extends ClaudeCapabilities {
  /** The format of `additionalModelRequestFields`: Claude's own fields, Nova's, or none that the gateway knows. */
  readonly extraFields: 'claude' | 'nova' | undefined;
  /** Which forced tool choices exist. */
  readonly force: { readonly any: boolean; readonly tool: boolean };
  /** The first message must be by the user. */
  readonly userFirst: boolean;
  /** Tool call ids must be nine letters or digits. */
  readonly shortCallIds: boolean;
  /** `maxTokens` is always sent, since the model's own default is far below what it can do. */
  readonly statesMaxTokens: boolean;
  /** Values for `anthropic_beta`; set by the operator. */
  readonly anthropicBeta: readonly string[];
}

type Family = Pick<ConverseCapabilities, 'extraFields' | 'force' | 'nativeSchema' | 'shortCallIds'>;

const bothForced = { any: true, tool: true };
const plain: Family = { extraFields: undefined, force: bothForced, nativeSchema: false, shortCallIds: false };

/** First match wins. Sources: Bedrock's table of Converse features; recordings of native output; wire facts 6.1. */
const families: readonly { readonly match: string; readonly can: Family }[] = [
  { match: 'nova', can: { ...plain, extraFields: 'nova' } },
  {
    match: 'mistral-large-3',
    can: { ...plain, force: { any: true, tool: false }, nativeSchema: true, shortCallIds: true },
  },
  { match: 'mistral', can: { ...plain, force: { any: true, tool: false }, shortCallIds: true } },
  { match: 'qwen', can: { ...plain, nativeSchema: true } },
  { match: 'nvidia', can: { ...plain, nativeSchema: true } },
  { match: 'glm', can: { ...plain, nativeSchema: true } },
  { match: 'llama', can: { ...plain, force: { any: false, tool: false } } },
  { match: 'cohere', can: { ...plain, force: { any: false, tool: false } } },
  { match: 'ai21', can: { ...plain, force: { any: false, tool: false } } },
  { match: 'titan', can: { ...plain, force: { any: false, tool: false } } },
];

/** The capabilities of a model or inference profile by its id; `overrides` replaces single properties. */
export function capabilitiesOf(model: string, overrides: Readonly<Record<string, unknown>> = {}): ConverseCapabilities {
  const claude = claudeCapabilitiesOf(model, overrides);
  const isClaude = claude.maker !== undefined;
  const family = families.find((entry) => model.toLowerCase().includes(entry.match))?.can ?? plain;
  const force = { any: claude.forcedToolChoice, tool: claude.forcedToolChoice };
  const known: ConverseCapabilities = isClaude
    ? {
        ...claude,
        ...plain,
        nativeSchema: claude.nativeSchema,
        extraFields: 'claude',
        force,
        userFirst: false,
        statesMaxTokens: true,
        anthropicBeta: [],
      }
    : {
        ...claude,
        ...family,
        sampling: true,
        samplingPair: true,
        prefill: true,
        userFirst: true,
        statesMaxTokens: false,
        anthropicBeta: [],
      };
  const chosen = Object.entries(overrides).filter(([key, value]) => key in known && value !== undefined);
  return { ...known, ...Object.fromEntries(chosen) };
}
