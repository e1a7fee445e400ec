import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Database, type DatabaseOptions, type Key, open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import { makeFolder } from './make-folder.ts';

/** An LMDB environment, shared by all generations of this process and all processes of the machine. */
export type Environment = RootDatabase;

/** What commits have to know of an environment. */
interface Entrance {
  readonly dataDir: string;
  /** A file that is there while a process opens the environment. */
  readonly sign: string;
}

const entrances = new WeakMap<Environment, Entrance>();
/** By data folder, kept until the process ends. */
const gates = new Map<string, RootDatabase>();

/**
 * Opens the environment in the folder `path`, while no other process opens or commits to it. Throws what LMDB and node:fs
 * throw.
 *
 * The LMDB inside of lmdb 3.5 loses the commit that one process makes while another opens the environment: the second sets
 * the number of the last transaction back to what it had read a moment before (OpenLDAP ITS#9496). So who opens holds the
 * gate of the data folder, the write lock of an environment in which nothing is ever written, and puts up a sign. Commits look for the sign
 * when they hold the write lock of their own environment; see {@link isBeingOpened}. The one commit that may have passed
 * before the sign went up is found out, and the environment opened again. The system frees the lock of a process that dies.
 */
export function openShared(path: string, options: Omit<RootDatabaseOptions, 'path'>): Environment {
  makeFolder(path);
  const entrance = { dataDir: dirname(path), sign: join(path, 'opening') };
  return whileAlone(entrance.dataDir, () => {
    writeFileSync(entrance.sign, '');
    try {
      const environment = openCurrent({ path, ...options });
      entrances.set(environment, entrance);
      return environment;
    } finally {
      rmSync(entrance.sign, { force: true });
    }
  });
}

/** Opens a named database, which the first process to do so makes: a commit as well, so not while others open. */
export function openDatabase<V, K extends Key>(
  environment: Environment,
  name: string,
  options: DatabaseOptions = {},
): Database<V, K> {
  const entrance = entrances.get(environment);
  const openIt = (): Database<V, K> => environment.openDB<V, K>({ name, ...options });
  return entrance === undefined ? openIt() : whileAlone(entrance.dataDir, openIt);
}

/** Closes an environment while no other process opens it: the last one to close takes the locks away for good. */
export async function closeShared(environment: Environment): Promise<void> {
  const entrance = entrances.get(environment);
  const closeIt = (): Promise<void> => environment.close();
  await (entrance === undefined ? closeIt() : whileAlone(entrance.dataDir, closeIt));
}

/** Asked inside a write transaction. When true nothing must be written, but tried again after {@link waitWhileOpened}. */
export function isBeingOpened(environment: Environment): boolean {
  const entrance = entrances.get(environment);
  return entrance !== undefined && existsSync(entrance.sign);
}

/** Stops the thread while another process opens the environment, some milliseconds. */
export function waitWhileOpened(environment: Environment): void {
  const entrance = entrances.get(environment)!;
  // A sign that still stands once the gate is ours is of a process that died under it.
  whileAlone(entrance.dataDir, () => rmSync(entrance.sign, { force: true }));
}

/** Holds the gate of a data folder during a step, until its promise is settled if it gives one. */
export function whileAlone<T>(dataDir: string, step: () => T): T {
  return gateOf(dataDir).transactionSync(step);
}

function gateOf(dataDir: string): RootDatabase {
  const known = gates.get(dataDir);
  if (known !== undefined) return known;
  const path = join(dataDir, 'gate');
  makeFolder(path);
  const gate = open({ path, maxDbs: 1, mapSize: 1_048_576, noSync: true });
  gates.set(dataDir, gate);
  return gate;
}

function openCurrent(options: RootDatabaseOptions & { path: string }): RootDatabase {
  for (;;) {
    const environment = open(options);
    if (followsLastCommit(environment)) return environment;
    // With nothing to be written this is done when it returns.
    void environment.close();
  }
}

/** The next transaction's number is one more than the last that was committed, unless a commit came between. */
function followsLastCommit(environment: RootDatabase): boolean {
  return environment.transactionSync(() => {
    const { lastTxnId } = environment.getStats() as { lastTxnId: number };
    return environment.getWriteTxnId() === lastTxnId + 1;
  });
}
