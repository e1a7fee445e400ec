import type { JsonObject, JsonValue, Operation } from '../../plugin-sdk/index.ts';

/** What the members of a request mean to a cache. */
export interface RequestFields {
  /** They say how the reply travels, or tag the call for a provider's own pages; the answer is the same without. */
  readonly dropped: ReadonlySet<string>;
  /** What the format says a missing member means, whoever serves. */
  readonly defaults: Readonly<Record<string, JsonValue>>;
  /** What only the format's own vendor takes a missing member to mean; others have defaults of their own. */
  readonly vendorDefaults: Readonly<Record<string, JsonValue>>;
  /** With one of these the answer depends on more than the request, or does more than answer. */
  readonly stateful: readonly string[];
}

const openaiTags = ['user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'metadata', 'fallbacks'];
const openaiTravel = ['model', 'stream', 'stream_options'];
const penalties = { frequency_penalty: 0, presence_penalty: 0 };
const sampling = { temperature: 1, top_p: 1 };
const noFields: RequestFields = { dropped: new Set(['model']), defaults: {}, vendorDefaults: {}, stateful: [] };

/** Chat operations by the client's dialect. */
const byDialect: Readonly<Record<string, RequestFields>> = {
  'openai.chat': {
    dropped: new Set([...openaiTravel, ...openaiTags]),
    defaults: {
      n: 1,
      logprobs: false,
      logit_bias: {},
      modalities: ['text'],
      parallel_tool_calls: true,
      response_format: { type: 'text' },
      service_tier: 'auto',
      store: false,
      tool_choice: 'auto',
      tools: [],
      ...penalties,
    },
    vendorDefaults: sampling,
    stateful: [],
  },
  'openai.completions': {
    dropped: new Set([...openaiTravel, ...openaiTags]),
    defaults: { n: 1, best_of: 1, echo: false, logit_bias: {}, ...penalties },
    vendorDefaults: { ...sampling, max_tokens: 16 },
    stateful: [],
  },
  'openai.responses': {
    dropped: new Set([...openaiTravel, ...openaiTags]),
    defaults: {
      background: false,
      include: [],
      parallel_tool_calls: true,
      service_tier: 'auto',
      store: true,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: 0,
      truncation: 'disabled',
    },
    vendorDefaults: sampling,
    stateful: ['background', 'conversation'],
  },
  'anthropic.messages': {
    dropped: new Set(['model', 'stream', 'metadata', 'fallbacks']),
    defaults: {
      service_tier: 'auto',
      stop_sequences: [],
      thinking: { type: 'disabled' },
      tool_choice: { type: 'auto' },
      tools: [],
    },
    vendorDefaults: { temperature: 1 },
    stateful: ['container', 'mcp_servers', 'thread'],
  },
  'gemini.generateContent': { ...noFields, dropped: new Set(['model', 'labels']) },
  'bedrock.converse': { ...noFields, dropped: new Set(['modelId', 'model', 'requestMetadata']) },
  'cohere.chat': { ...noFields, dropped: new Set(['model', 'stream']) },
};

const byOperation: Readonly<Partial<Record<Operation, RequestFields>>> = {
  embeddings: { ...noFields, dropped: new Set(['model', 'user', 'fallbacks']), defaults: { encoding_format: 'float' } },
};

export const chatOperations: ReadonlySet<Operation> = new Set(['chat', 'responses', 'completions']);

export function fieldsOf(operation: Operation, dialect: string): RequestFields {
  return (chatOperations.has(operation) ? byDialect[dialect] : byOperation[operation]) ?? noFields;
}

/** True when answering the request again would not be the same as giving its answer again. */
export function isStateful(json: JsonObject, fields: RequestFields): boolean {
  return fields.stateful.some((name) => json[name] !== undefined && json[name] !== null && json[name] !== false);
}
