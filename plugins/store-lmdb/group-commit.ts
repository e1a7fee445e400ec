import { GatewayError, isGatewayError } from '../../plugin-sdk/errors.ts';
import { commitSync } from './commit.ts';
import type { Environment } from './open-shared.ts';

/** lmdb's transaction flags: abortable, and on disk when the call returns. */
const flags = 0x1 | 0x2;

interface Waiting {
  readonly operation: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Durable transactions that share a commit: what is asked for in one turn of the event loop becomes one transaction
 * and one fsync. The thread waits for the fsync; let it be a thread that has nothing else to do.
 */
export class GroupCommit {
  readonly #environment: Environment;
  readonly #largest: number;
  #waiting: Waiting[] = [];

  /** `largest` bounds the operations of one transaction, and so the time that the event loop stands still. */
  constructor(environment: Environment, largest = 64) {
    this.#environment = environment;
    this.#largest = largest;
  }

  /**
   * Runs `operation` with writes and reads of the newest state; resolves with its value once that is on disk.
   *
   * An operation refuses by throwing a GatewayError before its first write. Anything else that is thrown undoes the
   * whole transaction and rejects with STORE_UNAVAILABLE.
   */
  run<T>(operation: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#waiting.push({ operation, resolve: resolve as (value: unknown) => void, reject }) === 1) {
        setImmediate(() => this.#commit());
      }
    });
  }

  #commit(): void {
    const batch = this.#waiting.splice(0, this.#largest);
    if (this.#waiting.length > 0) setImmediate(() => this.#commit());
    const answers: (() => void)[] = [];
    try {
      commitSync(
        this.#environment,
        () => {
          for (const waiting of batch) answers.push(perform(waiting));
        },
        flags,
      );
    } catch (error) {
      refuse(batch, error);
      return;
    }
    for (const answer of answers) answer();
  }
}

function perform({ operation, resolve, reject }: Waiting): () => void {
  try {
    const value = operation();
    return () => resolve(value);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return () => reject(error);
  }
}

function refuse(batch: readonly Waiting[], cause: unknown): void {
  for (const { reject } of batch) reject(unavailable(cause));
}

/** Disk full comes from LMDB as EIO or ENOSPC. */
function unavailable(cause: unknown): GatewayError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError('STORE_UNAVAILABLE', { reason: `the job cannot be written (${reason})` }, { cause });
}
