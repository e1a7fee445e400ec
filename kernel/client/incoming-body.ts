import type { Readable } from 'node:stream';

/** A request whose body is still on its way: node's, or one of a connection that is read here. */
export type IncomingBody = Readable & {
  /** All of it has come. */
  readonly complete: boolean;
};
