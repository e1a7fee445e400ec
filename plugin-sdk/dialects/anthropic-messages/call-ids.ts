import { createHash } from 'node:crypto';

/** A call id that the target's pattern accepts. Models never repeat ids, so this only has to be one-to-one. */
export function encodeCallId(id: string, allowed: RegExp, limit: number): string {
  if (id.length <= limit && allowed.test(id)) return id;
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 40)}`;
}
