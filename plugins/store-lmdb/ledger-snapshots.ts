import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../plugin-sdk/logger.ts';
import type { Environment } from './open-shared.ts';

const dataFile = 'data.mdb';

/**
 * Keeps the ledger safe from a crash of the machine. Its environment is not synced, so after such a crash its file may
 * be broken: the first process after a restart of the machine replaces it by the last snapshot, which was.
 */
export class LedgerSnapshots {
  readonly #folder: string;
  readonly #snapshot: string;
  readonly #bootFile: string;
  #taken = -1;

  /** Under `dataDir`: the environment in `ledger`, the snapshot in `ledger-snapshot`. */
  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'ledger');
    this.#snapshot = join(dataDir, 'ledger-snapshot');
    this.#bootFile = join(dataDir, 'ledger', 'boot');
  }

  /** Before the environment is opened. `exclusive` runs a step in one process at a time. */
  restore(exclusive: (step: () => void) => void, log: Logger): void {
    mkdirSync(this.#folder, { recursive: true });
    exclusive(() => {
      const boot = bootId();
      if (existsSync(this.#bootFile) && readFileSync(this.#bootFile, 'utf8') === boot) return;
      const file = join(this.#folder, dataFile);
      const snapshot = join(this.#snapshot, dataFile);
      if (existsSync(file) && existsSync(snapshot)) {
        // The file is there at every moment: without it, whoever starts after a copy that failed would begin at nothing.
        const restored = `${file}.restored`;
        copyFileSync(snapshot, restored);
        copyFileSync(file, `${file}.before-restart`);
        rmSync(join(this.#folder, 'lock.mdb'), { force: true });
        renameSync(restored, file);
        log.warn({}, 'the machine was restarted: the ledger goes on from its last snapshot');
      }
      writeFileSync(this.#bootFile, boot);
    });
  }

  /** Writes a snapshot if anything was committed since the last one of this process, and none is newer than `minAgeMs`. */
  async take(environment: Environment, minAgeMs: number): Promise<void> {
    const { lastTxnId } = environment.getStats() as { lastTxnId: number };
    const ageMs = Date.now() - this.#snapshotTime();
    // A snapshot from the future says that the clock was set back since, not that it is new.
    if (lastTxnId === this.#taken || (ageMs >= 0 && ageMs < minAgeMs)) return;
    const fresh = `${this.#snapshot}-${process.pid}`;
    rmSync(fresh, { recursive: true, force: true });
    try {
      mkdirSync(fresh, { recursive: true });
      await environment.backup(fresh, true);
      syncFile(join(fresh, dataFile));
      mkdirSync(this.#snapshot, { recursive: true });
      renameSync(join(fresh, dataFile), join(this.#snapshot, dataFile));
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
    this.#taken = lastTxnId;
  }

  #snapshotTime(): number {
    return statSync(join(this.#snapshot, dataFile), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }
}

/** Changes with every start of the machine. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Without Linux' own name: the minute of the start, as the clock has it now.
    return `started ${Math.round((Date.now() / 1_000 - uptime()) / 60)}`;
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
