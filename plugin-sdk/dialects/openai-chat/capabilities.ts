import type { JsonValue } from '../../json.ts';
import type { Effort } from '../openai/reasoning-effort.ts';

/**
 * What a target that speaks openai.chat does differently from OpenAI, as data for `EncodeContext.capabilities`.
 * Everything is optional; the defaults describe OpenAI itself.
 */
export interface ChatCapabilities {
  /** Other names for top-level fields: `{ max_completion_tokens: 'max_tokens', seed: 'random_seed' }`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Top-level fields that the target refuses; they are left out and reported as lost. `messages[].name` may be named too. */
  readonly refuses?: readonly string[];
  /** Other words for values: `{ tool_choice: { required: 'any' } }`. */
  readonly words?: Readonly<Record<string, Readonly<Record<string, JsonValue>>>>;
  /** False offers only the allowed tools where the client's choice is `allowed_tools`. */
  readonly allowedTools?: boolean;
  /** False writes free-text tools as functions with one string. */
  readonly customTools?: boolean;
  /** False writes developer messages as system messages. */
  readonly developerRole?: boolean;
  /** False joins text parts into one string. */
  readonly contentParts?: boolean;
  /** False sends no `stream_options`: the target always states its usage. */
  readonly streamOptions?: boolean;
  /** True sends `top_k`, which OpenAI does not have. */
  readonly topK?: boolean;
  /** True sends `video_url` parts. */
  readonly video?: boolean;
  /** True takes a URL as `file_data`. */
  readonly fileUrls?: boolean;
  /**
   * Whether it goes on with a last turn of the assistant, as clients of Anthropic's want it: by itself, or when it is told
   * so by the fields of vLLM and SGLang. Absent: it begins anew, which is reported as lost.
   */
  readonly continuesAssistant?: true | 'continue_final_message';
  /** True holds the model to an output schema of a format that knows no other way, where the schema fits strict mode. */
  readonly strictSchemas?: boolean;
  /** How a prompt-cache breakpoint is written, if at all. */
  readonly cache?: 'prompt_cache_breakpoint' | 'cache_control';
  /** Efforts of reasoning that the model has; absent: all of them. */
  readonly efforts?: readonly Effort[];
  /** Where reasoning of earlier turns goes; `thinking` is a part of the content, false leaves it out. */
  readonly reasoningField?: 'reasoning_content' | 'reasoning' | 'reasoning_details' | 'thinking' | false;
  /** Tags in which its models may write their thinking at the beginning of the content: `['think']`. */
  readonly thinkTags?: readonly string[];
  /** Whose proofs (signatures, encrypted reasoning) the target accepts. A proof is never sent to another. */
  readonly proofsOf?: readonly string[];
}

/** The bag of an {@link EncodeContext} as what it is; unknown keys are ignored. */
export function chatCapabilities(bag: Readonly<Record<string, unknown>>): ChatCapabilities {
  return bag as ChatCapabilities;
}
