import type { JsonValue } from '../json.ts';
import type { AudioBlock, Block, Carrier, Citation, ImageBlock, ProviderItemBlock } from './conversation.ts';

/** One whole reply to a {@link Conversation}. */
export interface Answer extends Carrier {
  readonly id?: string;
  readonly model?: string;
  /** Unix seconds. */
  readonly created?: number;
  readonly choices: readonly AnswerChoice[];
  readonly usage?: Usage;
  readonly serviceTier?: string;
}

export interface AnswerChoice extends Carrier {
  readonly index: number;
  /** In order: reasoning, text, refusal, tool-call, image, audio, provider-item. */
  readonly blocks: readonly Block[];
  readonly finish?: Finish;
  readonly logprobs?: JsonValue;
}

/**
 * Why an answer ended, in one vocabulary; `native` keeps the provider's own word.
 * `error` is an answer that the provider itself marked as failed.
 */
export interface Finish {
  readonly reason: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'pause' | 'error';
  readonly native?: string;
  /** The stop sequence that matched. */
  readonly stopSequence?: string;
}

/**
 * Tokens, always as totals with subsets: `input` includes `cachedInput` and `cacheWriteInput`; `output` includes
 * `reasoning`. Formats that count otherwise (Anthropic and Bedrock leave the cache out of input, Gemini leaves thoughts
 * out of output) are brought to this on decode and back on encode.
 */
export interface Usage {
  readonly input: number;
  readonly output: number;
  /** As the provider said it, when that is not `input + output`. */
  readonly total?: number;
  readonly cachedInput?: number;
  readonly cacheWriteInput?: number;
  /** The part of `cacheWriteInput` written with a one-hour life (priced apart). */
  readonly cacheWriteLongInput?: number;
  readonly reasoning?: number;
  readonly audioInput?: number;
  readonly audioOutput?: number;
  readonly imageInput?: number;
  readonly imageOutput?: number;
  /** Not tokens: generated images, seconds of audio, characters spoken, web searches made. */
  readonly images?: number;
  readonly audioSeconds?: number;
  readonly characters?: number;
  readonly searches?: number;
  /** The service tier that the provider says it served in, such as `default`, `flex` or `priority`; it decides the price. */
  readonly serviceTier?: string;
}

/**
 * One step of a streamed answer. A stream is: `start`, then for each block `block-start`, deltas, `block-end`, then per
 * choice `finish`, then `usage` when known, then `end`. Blocks of one choice have rising `block` numbers and may
 * interleave (parallel tool calls); an encoder whose format is sequential holds back what must wait.
 */
export type AnswerEvent =
  | ({ readonly type: 'start'; readonly id?: string; readonly model?: string; readonly created?: number } & Carrier)
  | ({
      readonly type: 'block-start';
      readonly choice: number;
      readonly block: number;
      readonly head: BlockHead;
    } & Carrier)
  | {
      readonly type: 'text';
      readonly choice: number;
      readonly block: number;
      readonly text: string;
      readonly logprobs?: JsonValue;
    }
  | { readonly type: 'reasoning'; readonly choice: number; readonly block: number; readonly text: string }
  /** A proof for the reasoning or tool-call block; `maker` where the head could not say yet who made it. */
  | {
      readonly type: 'signature';
      readonly choice: number;
      readonly block: number;
      readonly signature: string;
      readonly maker?: string;
    }
  /** A fragment of a tool call's arguments. */
  | { readonly type: 'arguments'; readonly choice: number; readonly block: number; readonly text: string }
  | { readonly type: 'citation'; readonly choice: number; readonly block: number; readonly citation: Citation }
  /** Base64 audio and its transcript, as openai.chat streams them. */
  | {
      readonly type: 'audio';
      readonly choice: number;
      readonly block: number;
      readonly data?: string;
      readonly transcript?: string;
    }
  | { readonly type: 'block-end'; readonly choice: number; readonly block: number }
  | ({ readonly type: 'finish'; readonly choice: number; readonly finish: Finish } & Carrier)
  | ({ readonly type: 'usage'; readonly usage: Usage } & Carrier)
  | { readonly type: 'end' }
  /** An event that only one dialect knows, kept whole; other dialects drop it. */
  | { readonly type: 'native'; readonly dialect: string; readonly value: JsonValue; readonly name?: string };

/** What is known when a block opens. Whole media and provider items come in the head; the rest follows in deltas. */
export type BlockHead =
  | { readonly type: 'text' }
  | { readonly type: 'refusal' }
  | {
      readonly type: 'reasoning';
      readonly id?: string;
      readonly maker?: string;
      readonly encrypted?: string;
      readonly summary?: boolean;
    }
  | {
      readonly type: 'tool-call';
      readonly id: string;
      readonly name: string;
      readonly kind?: 'function' | 'custom';
      readonly maker?: string;
      readonly itemId?: string;
    }
  | { readonly type: 'audio'; readonly id?: string }
  | { readonly type: 'media'; readonly block: ImageBlock | AudioBlock }
  | { readonly type: 'provider-item'; readonly block: ProviderItemBlock };
