import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { basename, dirname, join } from 'node:path';
import {
  type Database,
  type DatabaseOptions,
  type Key,
  open as openLmdb,
  type RootDatabase,
  type RootDatabaseOptions,
} from 'lmdb';
import { damageOf } from './damage.ts';
import { makeFolder } from './make-folder.ts';

/** An LMDB environment, shared by all generations of this process and all processes of the machine. */
export type Environment = RootDatabase;

/** What commits have to know of an environment. */
interface Entrance {
  readonly path: string;
  /** A file that is there while a process opens the environment. */
  readonly sign: string;
}

/** More than LMDB opens for one environment. */
const filesOfEnvironment = 4;

const entrances = new WeakMap<Environment, Entrance>();
/** By path of the environment, kept until the process ends. */
const gates = new Map<string, RootDatabase>();

/**
 * Opens the environment in the folder `path`, while no other process opens or commits to it. Throws what LMDB and node:fs
 * throw.
 *
 * The LMDB inside of lmdb 3.5 loses the commit that one process makes while another opens the environment: the second sets
 * the number of the last transaction back to what it had read a moment before (OpenLDAP ITS#9496). So who opens holds the
 * environment's gate, the write lock of another environment in which nothing is ever written, and puts up a sign. Commits
 * look for the sign when they hold the write lock of their own environment; see {@link isBeingOpened}. The one commit that
 * may have passed before the sign went up is found out, and the environment opened again. The system frees the lock of a
 * process that dies.
 */
export function openShared(path: string, options: Omit<RootDatabaseOptions, 'path'>): Environment {
  makeFolder(path);
  return whileAlone(path, () => {
    const sign = join(path, 'opening');
    writeFileSync(sign, '');
    try {
      const environment = openCurrent({ path, ...options });
      entrances.set(environment, { path, sign });
      return environment;
    } finally {
      rmSync(sign, { force: true });
    }
  });
}

/** Opens a named database. The first process to do so makes it, which is a commit: not while another opens the environment. */
export function openDatabase<V, K extends Key>(
  environment: Environment,
  name: string,
  options: DatabaseOptions = {},
): Database<V, K> {
  const ifThere = { name, ...options, create: false };
  const known: Database<V, K> | undefined = environment.openDB<V, K>(ifThere);
  if (known !== undefined) return known;
  const make = (): Database<V, K> => environment.openDB<V, K>({ name, ...options });
  const entrance = entrances.get(environment);
  return entrance === undefined ? make() : whileAlone(entrance.path, make);
}

/** Closes an environment while no other process opens it: the last one to close takes the locks away for good. */
export async function closeShared(environment: Environment): Promise<void> {
  const entrance = entrances.get(environment);
  const closeIt = (): Promise<void> => environment.close();
  await (entrance === undefined ? closeIt() : whileAlone(entrance.path, closeIt));
}

/** Asked inside a write transaction. When true nothing must be written, but tried again once the gate was passed. */
export function isBeingOpened(environment: Environment): boolean {
  const entrance = entrances.get(environment);
  return entrance !== undefined && existsSync(entrance.sign);
}

/**
 * Waits while another process opens the environment, some milliseconds. That process waits for the write lock, which may be
 * with a transaction that this thread has to go on with: where there may be one, never {@link passGateSync}.
 */
export async function passGate(environment: Environment): Promise<void> {
  const { path, sign } = entrances.get(environment)!;
  await gateOf(path).transaction(() => removeStale(sign));
}

/** The same, and stops the thread. */
export function passGateSync(environment: Environment): void {
  const { path, sign } = entrances.get(environment)!;
  whileAlone(path, () => removeStale(sign));
}

/** Holds the gate of the environment in the folder `path` during a step, until its promise is settled if it gives one. */
export function whileAlone<T>(path: string, step: () => T): T {
  return gateOf(path).transactionSync(step);
}

/** A sign that still stands once the gate is ours is of a process that died under it. */
function removeStale(sign: string): void {
  rmSync(sign, { force: true });
}

function gateOf(path: string): RootDatabase {
  const known = gates.get(path);
  if (known !== undefined) return known;
  const folder = join(dirname(path), 'gates', basename(path));
  makeFolder(folder);
  const gate = open({ path: folder, maxDbs: 1, mapSize: 1_048_576, noSync: true, eventTurnBatching: false });
  gates.set(path, gate);
  return gate;
}

/** Throws an Error with what to do when the environment in the folder is damaged. */
export function refuseDamaged(path: string): void {
  const file = join(path, 'data.mdb');
  const damage = damageOf(file);
  if (damage === undefined) return;
  throw new Error(`${file} is damaged (${damage}); put a backup in its place, or begin anew without ${path}`);
}

/**
 * Throws an Error with the folder's name and what to do where LMDB would bring the process down: a damaged file (SIGBUS,
 * SIGSEGV), no file descriptors for it (SIGSEGV).
 */
function open(options: RootDatabaseOptions & { path: string }): RootDatabase {
  const { path } = options;
  const files: number[] = [];
  try {
    while (files.length < filesOfEnvironment) files.push(openSync(devNull, 'r'));
  } finally {
    for (const file of files) closeSync(file);
  }
  refuseDamaged(path);
  try {
    return openLmdb(options);
  } catch (cause) {
    throw new Error(`${path} cannot be opened (${(cause as Error).message})`, { cause });
  }
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
