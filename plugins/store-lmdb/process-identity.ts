import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where process numbers mean something: this machine, or this container of it. */
const place = `${hostname()} ${processNamespace()}`;

/** Names this process, with all its threads, among all that ever shared a store. */
export const thisProcess = `${process.pid} ${startOf(process.pid) ?? '-'} ${place}`;

/** True when the process of that name certainly runs no more; false when it does or nobody can tell. */
export function isGone(name: string): boolean {
  const [pid = '', start = ''] = name.split(' ', 2);
  if (name !== `${pid} ${start} ${place}`) return false;
  const now = startOf(Number(pid));
  if (now !== undefined) return now !== start;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** When a process started, in the system's ticks since boot: tells it from a later one with its number. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22; the name before it may hold anything, but ends with the last parenthesis.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '-';
  }
}
