import { randomBytes } from 'node:crypto';

const prefix = 'job_';

/** An id that sorts by time and cannot be guessed: 48 bits of milliseconds, 80 random bits. */
export function newJobId(now: number): string {
  return prefix + now.toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
}

/** Tells a job's id from a provider's. */
export function isJobId(text: string): boolean {
  return text.startsWith(prefix);
}
