import { capabilitiesByModel } from '../../model-capabilities.ts';
import type { Effort } from './reasoning-effort.ts';

/** What is known of a model of OpenAI's that a chat from another format is translated for, at OpenAI or at Azure. */
export interface OpenAIModelFacts {
  /** It reasons: its chat is best told to the Responses API, which alone takes tools beside reasoning from gpt-5.2 on. */
  readonly reasons?: boolean;
  /** Efforts that it has; absent: all of them. */
  readonly efforts?: readonly Effort[];
  /** Top-level fields that it refuses, of chat and of responses. */
  readonly refuses?: readonly string[];
}

/** Chat takes files by their content or an id alone; the Responses API reads URLs itself. */
const readsNoFileUrls = { inlineMedia: { kinds: ['file'] } };

const plain = { refuses: ['reasoning_effort'], ...readsNoFileUrls };

/** Sampling is refused by all that reason, but at effort `none` by some: what is left out is named. */
const reasoning = {
  reasons: true,
  refuses: [
    ...['temperature', 'top_p', 'logprobs', 'top_logprobs', 'logit_bias'],
    ...['presence_penalty', 'frequency_penalty', 'stop'],
  ],
  // Whoever asks of another format expects that the conversation can go on, of which nothing is stored.
  reasoning: true,
  // The Responses API gives one answer a call.
  choices: false,
  inlineMedia: undefined,
};

/**
 * By name, later ones over earlier ones (wire facts 1.2; "Function tools with reasoning_effort are not supported for gpt-5.6
 * in /v1/chat/completions", BerriAI/litellm#34569).
 */
const models: Readonly<Record<string, OpenAIModelFacts>> = {
  'gpt-3.5*': plain,
  'gpt-4*': plain,
  'chatgpt-*': plain,
  'o1*': { ...reasoning, efforts: ['low', 'medium', 'high'] },
  'o3*': { ...reasoning, efforts: ['low', 'medium', 'high'] },
  'o4*': { ...reasoning, efforts: ['low', 'medium', 'high'] },
  'gpt-5*': { ...reasoning, efforts: ['minimal', 'low', 'medium', 'high'] },
  'gpt-5.*': { efforts: ['none', 'low', 'medium', 'high', 'xhigh'] },
  'gpt-5.1*': { efforts: ['none', 'low', 'medium', 'high'] },
  'gpt-5-chat*': { ...plain, reasons: false },
  'gpt-6*': reasoning,
};

/**
 * The `capabilities` of OpenAI and Azure. Neither reads reasoning of earlier turns in chat, and Azure has refused members
 * that it does not know ("Additional properties are not allowed").
 */
export function openaiCapabilities(
  corrections: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): (model: string) => Readonly<Record<string, unknown>> & OpenAIModelFacts {
  return capabilitiesByModel(
    { reasoningField: false, strictSchemas: true, ...readsNoFileUrls },
    { ...(models as object), ...corrections },
  );
}
