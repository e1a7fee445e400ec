import { createHash } from 'node:crypto';

const address = /[^\s@]+@[^\s@]+\.[^\s@]+/;

/**
 * The end user as `metadata.user_id`. Many name theirs to OpenAI by address, which Anthropic refuses: "user_id appears to
 * contain an email address. Please send a uuid or hash value instead." So it gets the hash, the same for the same user.
 */
export function userIdOf(endUser: string): string {
  return address.test(endUser) ? createHash('sha256').update(endUser).digest('hex') : endUser;
}
