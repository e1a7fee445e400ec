import type { Effort } from '../openai/reasoning-effort.ts';

/** What a target that speaks openai.responses does differently, as data for `EncodeContext.capabilities`. */
export interface ResponsesCapabilities {
  /** Top-level fields that the target refuses; they are left out and reported as lost. */
  readonly refuses?: readonly string[];
  /** Efforts of reasoning that the model has; absent: all of them. */
  readonly efforts?: readonly Effort[];
  /** True asks for encrypted reasoning, so that a translated conversation needs nothing stored. Models that do not reason refuse. */
  readonly reasoning?: boolean;
  /** True writes prompt-cache breakpoints of other formats. */
  readonly cache?: boolean;
  /** True holds the model to an output schema of a format that knows no other way, where the schema fits strict mode. */
  readonly strictSchemas?: boolean;
  /** Whose encrypted reasoning the target accepts; OpenAI's by default. */
  readonly proofsOf?: readonly string[];
}

export function responsesCapabilities(bag: Readonly<Record<string, unknown>>): ResponsesCapabilities {
  return bag as ResponsesCapabilities;
}
