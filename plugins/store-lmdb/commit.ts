import { GatewayError } from '../../plugin-sdk/errors.ts';
import { closeShared, type Environment, isBeingOpened, passGate, passGateSync } from './open-shared.ts';

/**
 * Option for environments that are written with {@link commit}. Otherwise LMDB makes a promise per turn of the event loop
 * that only it can see; a commit that fails rejects it, and that ends the process.
 */
export const writesAlone = { eventTurnBatching: false } as const;

/** Environments whose last commit failed. */
const failed = new WeakSet<Environment>();

/** Comes from a transaction that wrote nothing, since another process opens the environment. */
const notNow = Symbol('not now');

/** Commits that have not ended, of each environment. */
const underWay = new WeakMap<Environment, Set<Promise<unknown>>>();

/**
 * Runs a write transaction. What `work` throws is thrown again.
 *
 * Throws GatewayError STORE_UNAVAILABLE when it cannot be committed, as on a full disk.
 */
export async function commit<T>(environment: Environment, work: () => T): Promise<T> {
  const others = underWay.get(environment) ?? new Set();
  underWay.set(environment, others);
  const committed = commitWhenAllowed(environment, work);
  others.add(committed);
  try {
    return await committed;
  } finally {
    others.delete(committed);
  }
}

async function commitWhenAllowed<T>(environment: Environment, work: () => T): Promise<T> {
  for (;;) {
    const result = await attempt(environment, () => (isBeingOpened(environment) ? notNow : work()));
    if (result !== notNow) return result;
    await passGate(environment);
  }
}

/**
 * The same at once, on this thread, for environments that it never writes with {@link commit}. `flags` are LMDB's; what
 * LMDB throws comes as it is.
 */
export function commitSync<T>(environment: Environment, work: () => T, flags?: number): T {
  for (;;) {
    const result = environment.transactionSync(() => (isBeingOpened(environment) ? notNow : work()), flags);
    if (result !== notNow) return result;
    passGateSync(environment);
  }
}

async function attempt<T>(environment: Environment, work: () => T): Promise<T> {
  try {
    const result = await environment.transaction(work);
    failed.delete(environment);
    return result;
  } catch (cause) {
    if (!isFailedCommit(cause)) throw cause;
    failed.add(environment);
    throw new GatewayError('STORE_UNAVAILABLE', { reason: await reasonOf(cause) }, { cause });
  }
}

/** Closes an environment once its writes are on disk. */
export async function close(environment: Environment): Promise<void> {
  // Closing stops the thread until the gate is free; whoever holds it may wait for a commit that this thread has to go on with.
  const commits = underWay.get(environment);
  while (commits !== undefined && commits.size > 0) await Promise.allSettled(commits);
  // LMDB waits for the flush of a commit that failed, which never comes.
  if (!failed.has(environment)) await closeShared(environment);
}

interface FailedCommit extends Error {
  /** Rejected with the reason right after the transaction's own promise; nobody else listens to it. */
  readonly commitError: Promise<never>;
}

function isFailedCommit(cause: unknown): cause is FailedCommit {
  return cause instanceof Error && 'commitError' in cause && cause.commitError instanceof Promise;
}

function reasonOf({ commitError }: FailedCommit): Promise<string> {
  return commitError.catch((error: Error) => error.message);
}
