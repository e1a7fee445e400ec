import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where process numbers mean something: this machine, or this container of it. */
const place = `${hostname()} ${processNamespace()}`;
const start = randomBytes(6).toString('base64url');

/** Names this process among all that ever shared a store. */
export const thisProcess = `${process.pid} ${start} ${place}`;

/** True when the process of that name certainly runs no more; false when it does or nobody can tell. */
export function isGone(name: string): boolean {
  const [pid = '', started = ''] = name.split(' ', 2);
  if (name !== `${pid} ${started} ${place}`) return false;
  if (pid === String(process.pid)) return started !== start;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '-';
  }
}
