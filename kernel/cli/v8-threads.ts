import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const tasks = '/proc/self/task';
/** Beside a thread of the usual priority such a one gets a quarter of a core. */
const niceness = 5;

/**
 * Lets the threads on which V8 compiles and collects give way to the one that serves. There are four of them, and where no core
 * is left over for them they take four fifths of the time: the first seconds under load, and those of a slow collection, would
 * stall for up to 100 ms. With a core to spare it makes no difference. Linux only; elsewhere nothing happens.
 */
export function lowerV8Threads(): void {
  try {
    for (const id of readdirSync(tasks)) {
      if (readFileSync(`${tasks}/${id}/comm`, 'utf8').trim() === 'node-V8Worker') setPriority(Number(id), niceness);
    }
  } catch {
    // Another system, or a sandbox without /proc.
  }
}
