import type { Conversation } from '../../conversation/index.ts';
import { unsupportedContent } from './fields.ts';

/**
 * Reports the request fields that neither Anthropic nor Bedrock has. Values that equal the default lose nothing.
 * Throws REQ_INVALID for what would change the meaning of the answer: several choices, a stored earlier response.
 */
export function reportUnsupported(conversation: Conversation, lost: (path: string) => void): void {
  const { sampling = {}, modalities } = conversation;
  if ((conversation.choices ?? 1) > 1) throw unsupportedContent('n', 'this provider gives one answer per request');
  if (conversation.previousId !== undefined)
    throw unsupportedContent('previous_response_id', 'this provider keeps no responses');
  if (sampling.frequencyPenalty) lost('frequency_penalty');
  if (sampling.presencePenalty) lost('presence_penalty');
  if (sampling.seed !== undefined) lost('seed');
  if (Object.keys(sampling.logitBias ?? {}).length > 0) lost('logit_bias');
  if (conversation.logprobs !== undefined) lost('logprobs');
  if (modalities?.some((modality) => modality !== 'text')) lost('modalities');
  if (conversation.verbosity !== undefined && conversation.verbosity !== 'medium') lost('verbosity');
  if (conversation.store) lost('store');
}

/** Stop sequences without the blank ones, which are refused. */
export function usableStops(stop: readonly string[] | undefined, lost: (path: string) => void): string[] | undefined {
  const usable = stop?.filter((sequence) => sequence.trim() !== '');
  if (usable?.length !== stop?.length) lost('stop');
  return usable?.length ? usable : undefined;
}
