import { hash, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { getCompileCacheDir, type ModuleFormat, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A module's source as it was when the file was of this size and last changed. */
interface Kept {
  readonly format: ModuleFormat;
  readonly size: number;
  readonly changed: number;
  readonly source: Buffer;
}
type Line = readonly [url: string, format: ModuleFormat, size: number, changed: number];

/** Changed whenever the file is laid out in another way. */
const layout = 1;
const product = dirname(dirname(import.meta.dirname));
const shippedFolders = ['kernel', 'plugin-sdk', 'plugins', 'providers', 'routes'].map(
  (name) => pathToFileURL(join(product, name)).href,
);

/** Nothing of the operator's: a config that is a module may hold keys. */
function isShipped(url: string): boolean {
  return url.includes('/node_modules/') || shippedFolders.some((folder) => url.startsWith(`${folder}/`));
}

/**
 * The sources of the ES modules that starts load, in one file beside Node's compile cache. To find and read several hundred
 * files one by one takes a start a fifth of its time; this way only their age is asked. Where there is no compile cache
 * (NODE_DISABLE_COMPILE_CACHE) there is none of sources.
 */
export class SourceCache {
  readonly #file: string | undefined;
  readonly #isWanted: (url: string) => boolean;
  readonly #kept: Map<string, Kept>;
  /** Those whose file is known to be as it was. The others are asked for when they are wanted. */
  readonly #fresh = new Set<string>();
  #grew = false;
  #written: Promise<void> = Promise.resolve();
  #hooks: { deregister(): void } | undefined;

  constructor(folder = getCompileCacheDir(), isWanted = isShipped) {
    this.#isWanted = isWanted;
    this.#file = folder && join(folder, `bifrost-${hash('sha256', product).slice(0, 16)}.sources`);
    this.#kept = this.#file === undefined ? new Map() : read(this.#file);
  }

  /** From here on modules are taken from the cache, and those that it lacks are noted. */
  open(): void {
    if (this.#file === undefined) return;
    this.#hooks = registerHooks({
      resolve: (specifier, context, next) => {
        // What `import` makes of a relative path is the path itself: nothing of it can have changed but the file.
        if (/^\.\.?\//.test(specifier) && context.parentURL !== undefined && context.conditions.includes('import')) {
          const { href } = new URL(specifier, context.parentURL);
          const kept = this.#find(href);
          if (kept !== undefined) return { url: href, format: kept.format, shortCircuit: true };
        }
        return next(specifier, context);
      },
      load: (url, context, next) => {
        const kept = this.#find(url);
        if (kept !== undefined) return { format: kept.format, source: kept.source, shortCircuit: true };
        // A query tells versions of one file apart: such a module is loaded for the sake of what it is now.
        const stats = this.#isWanted(url) && !url.includes('?') ? statOf(url) : undefined;
        const loaded = next(url, context);
        const { format, source } = loaded;
        if (stats !== undefined && source && (format === 'module' || format === 'module-typescript')) {
          this.#keep(url, { format, size: stats.size, changed: stats.ctimeMs, source: Buffer.from(source as string) });
        }
        return loaded;
      },
    });
  }

  /** Keeps for the next start what this one had to look for. */
  keep(): Promise<void> {
    this.#written = this.#written.then(() => this.#write());
    return this.#written;
  }

  /** Keeps it, and leaves to Node what is loaded from here on. */
  async close(): Promise<void> {
    this.#hooks?.deregister();
    await this.keep();
    this.#kept.clear();
  }

  async #write(): Promise<void> {
    if (!this.#grew || this.#file === undefined) return;
    this.#grew = false;
    const kept = [...this.#kept].filter(([url]) => this.#find(url) !== undefined);
    const lines = kept.map(([url, { format, size, changed }]): Line => [url, format, size, changed]);
    const head = Buffer.from(`${JSON.stringify([layout, lines])}\n`);
    const part = `${this.#file}.${randomUUID()}`;
    try {
      // Flushed before it has its name: after a power cut it is whole or not there.
      const bytes = Buffer.concat([head, ...kept.map(([, { source }]) => source)]);
      await writeFile(part, bytes, { mode: 0o600, flush: true });
      await rename(part, this.#file);
    } catch {
      // A full disk, or one that is only read: the next start is as slow as this one was.
      await rm(part, { force: true }).catch(() => undefined);
    }
  }

  #keep(url: string, kept: Kept): void {
    if (kept.source.length !== kept.size) return;
    this.#kept.set(url, kept);
    this.#fresh.add(url);
    this.#grew = true;
  }

  #find(url: string): Kept | undefined {
    const kept = this.#kept.get(url);
    if (kept === undefined || this.#fresh.has(url)) return kept;
    const stats = statOf(url);
    // Of all times only that of the last change of the file's entry cannot be set: packages are unpacked with dates of their own.
    if (stats?.ctimeMs === kept.changed && stats.size === kept.size) {
      this.#fresh.add(url);
      return kept;
    }
    this.#kept.delete(url);
    return undefined;
  }
}

function statOf(url: string) {
  return statSync(fileURLToPath(url), { throwIfNoEntry: false });
}

/** Empty when there is none, when it is not whole, and when somebody else could have written it. */
function read(file: string): Map<string, Kept> {
  try {
    const bytes = readOwn(file);
    const end = bytes.indexOf('\n');
    const [version, lines] = JSON.parse(bytes.toString('utf8', 0, end)) as [number, readonly Line[]];
    if (version !== layout) return new Map();
    let at = end + 1;
    const kept = lines.map(([url, format, size, changed]): [string, Kept] => {
      const source = bytes.subarray(at, (at += size));
      return [url, { format, size, changed, source }];
    });
    return at === bytes.length ? new Map(kept) : new Map();
  } catch {
    return new Map();
  }
}

function readOwn(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const { uid, mode } = fstatSync(descriptor);
    // It is run. Node's folder for it is in the one that all users share.
    if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) return Buffer.alloc(0);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** That of this process. */
export const sourceCache = new SourceCache();
