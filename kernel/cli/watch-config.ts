import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

const settleMs = 100;

/**
 * Calls back when one of the files changes. Watches their folders, because editors and config maps replace files rather
 * than write to them; several changes in a moment count once. `onFailure` hears of folders that cannot be watched.
 */
export function watchConfig(
  files: readonly string[],
  onChange: () => void,
  onFailure: (cause: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs).unref();
  };
  const names = new Map<string, Set<string>>();
  for (const file of files) {
    const folder = dirname(file);
    names.set(folder, (names.get(folder) ?? new Set()).add(basename(file)));
  }
  const watchers: FSWatcher[] = [];
  for (const [folder, watched] of names) {
    // `..data` is how Kubernetes swaps a mounted config map.
    const heard = (_event: string, name: string | null): void => {
      if (name === null || watched.has(name) || name === '..data') changed();
    };
    try {
      watchers.push(watch(folder, { persistent: false }, heard).on('error', onFailure));
    } catch (cause) {
      onFailure(cause);
    }
  }
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
