import type { Operation } from './operations.ts';

/**
 * OpenTelemetry's words for generative AI, in one table for metrics and traces. They are still in development: what
 * changes there, changes here. Source: open-telemetry/semantic-conventions-genai, registry and metrics, 2026.
 */
export const genAi = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  requestTemperature: 'gen_ai.request.temperature',
  requestTopP: 'gen_ai.request.top_p',
  requestStream: 'gen_ai.request.stream',
  responseModel: 'gen_ai.response.model',
  responseFinishReasons: 'gen_ai.response.finish_reasons',
  responseTimeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  usageInputTokens: 'gen_ai.usage.input_tokens',
  usageOutputTokens: 'gen_ai.usage.output_tokens',
  usageCacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  usageCacheCreationTokens: 'gen_ai.usage.cache_creation.input_tokens',
  usageReasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  tokenType: 'gen_ai.token.type',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  httpRequestMethod: 'http.request.method',
  httpResponseStatusCode: 'http.response.status_code',
  httpRoute: 'http.route',
} as const;

/** `gen_ai.operation.name`; an operation that the conventions do not know keeps the gateway's name. */
const operationNames: Readonly<Partial<Record<Operation, string>>> = {
  responses: 'chat',
  completions: 'text_completion',
};

export function genAiOperation(operation: Operation): string {
  return operationNames[operation] ?? operation;
}

/** `error.type`: the provider's HTTP status where there is one, the gateway's own code otherwise. */
export function genAiErrorType(error: { readonly code: string; readonly status: number }): string {
  return error.code === 'UP_STATUS' ? String(error.status) : error.code;
}

/** An attribute's name as a Prometheus label. */
export function labelName(attribute: string): string {
  return attribute.replaceAll('.', '_');
}
