import { createRequire } from 'node:module';
import { extname } from 'node:path';

/** `.ts` in a checkout, `.js` in a build. */
const ending = extname(import.meta.filename);

const unused = new Set<() => unknown>();

/**
 * A module that is loaded when it is first asked for, while the caller waits:
 * `loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')`.
 *
 * An `import` at the top of a file is the rule. This is for parts of some size that a gateway can start without, since each
 * file adds about a seventh of a millisecond to every start. Node's `require` takes ES modules too and gives what `import`
 * gives.
 */
export function loadOnUse<Module>(from: string, path: string): () => Module {
  let module: Module | undefined;
  const load = (): Module => {
    if (module === undefined) {
      unused.delete(load);
      module = createRequire(from)(path + ending) as Module;
    }
    return module;
  };
  unused.add(load);
  return load;
}

/** Loads one of the modules that nobody has used yet. False when none is left. */
export function loadUnused(): boolean {
  const [load] = unused;
  load?.();
  return load !== undefined;
}
