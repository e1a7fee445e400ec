import type { Logger } from '../../plugin-sdk/index.ts';
import { watchConfig } from './watch-config.ts';

/**
 * Hears of changes of the config, by SIGHUP and from its files, as soon as it was read: what changes while the plugins are
 * set up is in no config that anybody read.
 */
export class ConfigChanges {
  readonly #unwatch: () => void;
  #wasChanged = false;
  #listener: (() => void) | undefined;

  constructor(files: readonly string[], log: Logger) {
    const changed = (): void => {
      if (this.#listener === undefined) this.#wasChanged = true;
      else this.#listener();
    };
    process.on('SIGHUP', changed);
    this.#unwatch = watchConfig(files, changed, (err) =>
      log.warn({ err }, 'the config is not watched: send SIGHUP after a change'),
    );
  }

  /** Calls back at each change from now on, and at once if there was one already. */
  listen(listener: () => void): void {
    this.#listener = listener;
    if (this.#wasChanged) listener();
  }

  /** Files are not watched any more; SIGHUP is heard still, and does no harm to a process that ends. */
  close(): void {
    this.#unwatch();
    this.#listener = () => undefined;
  }
}
