import { readFileSync } from 'node:fs';

/** The processes that a process has started and that still run. */
export function childPids(parent: number): number[] {
  const text = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}
