import type { JsonObject, JsonValue } from '../json.ts';

/**
 * The one shape that every dialect's chat request decodes to and encodes from: N + M translators instead of N × M.
 *
 * It is block-structured, because every newer format is: a message is an ordered list of blocks. Where the model has no
 * word for something, the value travels in `carry`, under the name of the dialect it came from, on the nearest thing it
 * belongs to; encoding to that same dialect puts it back, encoding to another reports it as lost.
 * So A → Conversation → A is the identity and A → Conversation → B names what it dropped.
 */
export interface Conversation extends Carrier {
  /** The model as the client named it, without a `provider/` prefix. */
  readonly model: string;
  /** In order; system and developer messages stand where the client put them. */
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly output?: OutputFormat;
  readonly sampling?: Sampling;
  /** Most tokens the answer may have, reasoning included where the format counts it. */
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  readonly reasoning?: Reasoning;
  /** How many answers are wanted (`n`, `candidateCount`). */
  readonly choices?: number;
  readonly logprobs?: { readonly top?: number };
  readonly modalities?: readonly ('text' | 'image' | 'audio')[];
  readonly stream?: boolean;
  /** The client wants a usage chunk at the end of a stream. */
  readonly streamUsage?: boolean;
  /** Stable id of the client's own end user. */
  readonly endUser?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly serviceTier?: 'auto' | 'default' | 'flex' | 'priority' | 'scale' | 'standard';
  readonly verbosity?: 'low' | 'medium' | 'high';
  readonly store?: boolean;
  /** Id of a stored earlier response that this one continues (openai.responses, a thread of anthropic.messages). */
  readonly previousId?: string;
}

/**
 * Fields that the model has no word for, kept per dialect. Encoding to the dialect named by the key puts them back.
 * A dialect may also remember here which of several equal spellings it read (`content` as a string or as parts).
 */
export type Carry = { readonly [dialect: string]: JsonObject | undefined };

export interface Carrier {
  readonly carry?: Carry;
}

export interface Message extends Carrier {
  /** `tool` does not exist: a tool result is a block in a user message, as most formats have it. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly name?: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | TextBlock
  | ImageBlock
  | AudioBlock
  | VideoBlock
  | FileBlock
  | ReasoningBlock
  | ToolCallBlock
  | ToolResultBlock
  | RefusalBlock
  | ProviderItemBlock;

interface BlockBase extends Carrier {
  /** A prompt-cache breakpoint stands behind this block. */
  readonly cache?: CacheMark;
}

export interface CacheMark {
  /** Wanted life, when the client named one. */
  readonly ttl?: '5m' | '30m' | '1h' | '12h';
}

export interface TextBlock extends BlockBase {
  readonly type: 'text';
  readonly text: string;
  readonly citations?: readonly Citation[];
}

/** Where media lies: inline, at a URL, or in a provider's file store. */
export type MediaSource =
  | { readonly kind: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly kind: 'url'; readonly url: string; readonly mediaType?: string }
  | { readonly kind: 'file'; readonly id: string; readonly mediaType?: string }
  /** Plain text given as a document (Anthropic `text` source, Bedrock `text`). */
  | { readonly kind: 'text'; readonly text: string; readonly mediaType?: string };

export interface ImageBlock extends BlockBase {
  readonly type: 'image';
  readonly source: MediaSource;
  readonly detail?: 'auto' | 'low' | 'high' | 'original';
}

export interface AudioBlock extends BlockBase {
  readonly type: 'audio';
  readonly source: MediaSource;
  /** Id of audio that the provider made earlier (openai.chat assistant `audio.id`). */
  readonly id?: string;
  readonly transcript?: string;
}

export interface VideoBlock extends BlockBase {
  readonly type: 'video';
  readonly source: MediaSource;
}

export interface FileBlock extends BlockBase {
  readonly type: 'file';
  readonly source: MediaSource;
  readonly name?: string;
}

/** Thinking. `signature` and `encrypted` are opaque proofs that only the named provider family accepts back. */
export interface ReasoningBlock extends BlockBase {
  readonly type: 'reasoning';
  /** The thinking in plain words, when the provider shows it. */
  readonly text?: string;
  /** Summary parts (openai.responses). */
  readonly summary?: readonly string[];
  readonly signature?: string;
  /** Anthropic `redacted_thinking`, Bedrock `redactedContent`, OpenAI `encrypted_content`. */
  readonly encrypted?: string;
  /** Who made the proof: `anthropic`, `google`, `openai`, …; a proof is never sent to another. */
  readonly maker?: string;
  readonly id?: string;
}

export interface ToolCallBlock extends BlockBase {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** Arguments exactly as the model wrote them: JSON text for a function, free text for a custom tool. */
  readonly arguments: string;
  readonly kind?: 'function' | 'custom';
  /** Google's thought signature, or any other proof that must come back with this call. */
  readonly signature?: string;
  readonly maker?: string;
  /** Item id beside the call id (openai.responses `fc_…`). */
  readonly itemId?: string;
}

export interface ToolResultBlock extends BlockBase {
  readonly type: 'tool-result';
  /** The id of the call that this answers. */
  readonly callId: string;
  /** Name of the tool, where the format repeats it. */
  readonly name?: string;
  readonly content: readonly Block[];
  readonly isError?: boolean;
}

export interface RefusalBlock extends BlockBase {
  readonly type: 'refusal';
  readonly text: string;
}

/**
 * Something only one dialect knows (a hosted tool's call or result, an item reference, executable code).
 * The whole value is kept as that dialect wrote it.
 */
export interface ProviderItemBlock extends BlockBase {
  readonly type: 'provider-item';
  readonly dialect: string;
  readonly value: JsonObject;
}

export interface Citation extends Carrier {
  readonly url?: string;
  readonly title?: string;
  /** The quoted words. */
  readonly text?: string;
  readonly start?: number;
  readonly end?: number;
}

export type Tool = FunctionTool | CustomTool | ProviderTool;

export interface FunctionTool extends Carrier {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: JsonObject;
  readonly strict?: boolean;
  readonly cache?: CacheMark;
}

/** A tool whose input is free text, perhaps under a grammar (OpenAI custom tools). */
export interface CustomTool extends Carrier {
  readonly type: 'custom';
  readonly name: string;
  readonly description?: string;
  readonly format?: JsonObject;
}

/** A tool that the provider runs itself (web search, code execution, …), as its dialect wrote it. */
export interface ProviderTool extends Carrier {
  readonly type: 'provider';
  readonly dialect: string;
  readonly value: JsonObject;
}

export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'none' }
  | { readonly type: 'required' }
  | { readonly type: 'tool'; readonly name: string; readonly kind?: 'function' | 'custom' }
  | { readonly type: 'allowed'; readonly mode: 'auto' | 'required'; readonly names: readonly string[] }
  /** A choice only one dialect knows (a hosted tool). */
  | { readonly type: 'provider'; readonly dialect: string; readonly value: JsonValue };

export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'schema';
      readonly name?: string;
      readonly description?: string;
      readonly schema: JsonObject;
      readonly strict?: boolean;
    };

export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly seed?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
}

export interface Reasoning {
  readonly effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Most tokens to think with; 0 means none. */
  readonly budgetTokens?: number;
  /** Thinking on, the model decides how much (Anthropic `adaptive`, Gemini dynamic −1). */
  readonly adaptive?: boolean;
  /** The client wants to read the thinking, or a summary of it. */
  readonly show?: 'none' | 'auto' | 'concise' | 'detailed' | 'full';
}
