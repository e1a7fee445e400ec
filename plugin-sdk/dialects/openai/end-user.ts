import { createHash } from 'node:crypto';

/** OpenAI: "Invalid 'user': string too long. Expected a string with maximum length 64". */
const longest = 64;

/**
 * The end user as OpenAI takes it. Clients of other formats have longer names, such as the JSON that Claude Code sends: of
 * those it gets the hash, the same for the same user.
 */
export function endUserOf(endUser: string | undefined): string | undefined {
  const fits = endUser === undefined || endUser.length <= longest;
  return fits ? endUser : createHash('sha256').update(endUser).digest('hex');
}
