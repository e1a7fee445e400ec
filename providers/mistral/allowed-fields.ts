/**
 * What Mistral's requests may hold: its OpenAPI document (mistralai/platform-docs-public at 222f4ba9) closes each of these
 * objects with `additionalProperties: false`, and it answers 422 to a field beyond them.
 */
export const chatFields: readonly string[] = [
  'model',
  'messages',
  'temperature',
  'top_p',
  'max_tokens',
  'stream',
  'stop',
  'random_seed',
  'metadata',
  'response_format',
  'tools',
  'tool_choice',
  'presence_penalty',
  'frequency_penalty',
  'n',
  'prediction',
  'parallel_tool_calls',
  'prompt_mode',
  'reasoning_effort',
  'guardrails',
  'prompt_cache_key',
  'safe_prompt',
];

export const embeddingFields: readonly string[] = [
  'model',
  'metadata',
  'input',
  'output_dimension',
  'output_dtype',
  'encoding_format',
];

export const moderationFields: readonly string[] = ['model', 'metadata', 'input'];

/** Of its messages, by role. Only a tool has a name. */
export const messageFields: Readonly<Record<string, readonly string[] | undefined>> = {
  system: ['role', 'content'],
  user: ['role', 'content'],
  assistant: ['role', 'content', 'tool_calls', 'prefix'],
  tool: ['role', 'content', 'tool_call_id', 'name'],
};

/** Of the parts of a content, by type; `tool_reference` stands only in a thinking part. */
export const partFields: Readonly<Record<string, readonly string[] | undefined>> = {
  text: ['type', 'text'],
  image_url: ['type', 'image_url'],
  document_url: ['type', 'document_url', 'document_name'],
  reference: ['type', 'reference_ids'],
  file: ['type', 'file_id'],
  thinking: ['type', 'thinking', 'closed'],
  input_audio: ['type', 'input_audio'],
  tool_reference: ['type', 'tool', 'title', 'url', 'favicon', 'description'],
};

/** The parts that a system message may have. */
export const systemParts: readonly string[] = ['text', 'thinking'];

export const imageFields: readonly string[] = ['url', 'detail'];
export const imageDetails: readonly unknown[] = ['low', 'auto', 'high'];

export const callFields: readonly string[] = ['id', 'type', 'function', 'index'];
export const calledFields: readonly string[] = ['name', 'arguments'];

export const toolFields: readonly string[] = ['type', 'function'];
export const functionFields: readonly string[] = ['name', 'description', 'strict', 'parameters'];
export const toolChoices: readonly unknown[] = ['auto', 'none', 'any', 'required'];

export const formatFields: readonly string[] = ['type', 'json_schema'];
export const schemaFields: readonly string[] = ['name', 'description', 'schema', 'strict'];
export const predictionFields: readonly string[] = ['type', 'content'];
export const efforts: readonly unknown[] = ['high', 'none'];
