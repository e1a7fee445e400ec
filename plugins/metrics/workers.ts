import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../../plugin-sdk/index.ts';

const writeEveryMs = 5_000;
const staleMs = 15_000;

/**
 * Metrics of the other workers: each leaves its own in a file every five seconds, and whoever is scraped adds them up.
 * So a scrape sees the whole gateway, whichever worker it reaches. What a dead worker left is removed.
 */
export class Workers {
  readonly #folder: string;
  readonly #own: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #snapshot: () => Promise<unknown[]>;
  #stop: () => void = () => undefined;
  #closed = false;
  #left: Promise<unknown> = Promise.resolve();

  /** `id` is this worker's, for the file; `snapshot` gives its metrics as prom-client's JSON. */
  constructor(folder: string, id: string, clock: Clock, log: Logger, snapshot: () => Promise<unknown[]>) {
    this.#folder = folder;
    this.#own = `${id}.json`;
    this.#clock = clock;
    this.#log = log;
    this.#snapshot = snapshot;
  }

  start(): void {
    void this.#leaveAgain();
  }

  /**
   * What the others left, and this worker's own as it is now, which it leaves as well: whoever is scraped next must not
   * show less, or Prometheus takes the counters for ones that started anew.
   */
  async all(): Promise<unknown[][]> {
    const all = [await this.#leave()];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (name === this.#own || !name.endsWith('.json')) continue;
      const file = join(this.#folder, name);
      try {
        const { mtimeMs } = await stat(file);
        if (Date.now() - mtimeMs > staleMs) await rm(file, { force: true });
        else all.push(JSON.parse(await readFile(file, 'utf8')) as unknown[]);
      } catch {
        // Its worker ended between two of these steps.
      }
    }
    return all;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    await this.#left;
    await rm(join(this.#folder, this.#own), { force: true });
  }

  async #leaveAgain(): Promise<void> {
    await this.#leave().catch((err) => this.#log.warn({ err }, 'metrics of this worker could not be read'));
    if (!this.#closed) this.#stop = this.#clock.after(writeEveryMs, () => void this.#leaveAgain());
  }

  /** One after the other, so that no older numbers replace newer ones. */
  #leave(): Promise<unknown[]> {
    const left = this.#left.then(() => this.#write());
    this.#left = left.catch(() => undefined);
    return left;
  }

  async #write(): Promise<unknown[]> {
    const file = join(this.#folder, this.#own);
    const own = await this.#snapshot();
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(`${file}.new`, JSON.stringify(own));
      await rename(`${file}.new`, file);
    } catch (cause) {
      this.#log.warn({ err: cause }, 'metrics of this worker could not be left for the others');
    }
    return own;
  }
}
