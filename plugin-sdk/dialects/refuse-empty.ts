import { GatewayError } from '../errors.ts';

/**
 * Refuses a request of which nothing is left: Anthropic, Google, Cohere and Bedrock refuse an empty list of
 * messages in words about fields that the client never wrote.
 *
 * Throws REQ_INVALID naming `messages`.
 */
export function refuseEmpty(written: readonly unknown[]): void {
  if (written.length > 0) return;
  throw new GatewayError(
    'REQ_INVALID',
    { reason: 'There is nothing to answer: all messages are empty. Send one with text, media or a tool result.' },
    { param: 'messages', retry: 'next-target' },
  );
}
