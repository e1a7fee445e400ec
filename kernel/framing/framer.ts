import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';

export type Emit = (event: FramedEvent) => void;

/**
 * Cuts the bytes of one stream into events. Where the chunks are split makes no difference to the events.
 * One per stream; after a throw (its own or of `emit`) it must not be used again.
 */
export interface Framer {
  /** Throws GatewayError UP_EVENT_TOO_LARGE or UP_BAD_BODY. Keeps no reference to the chunk. */
  push(chunk: Buffer, emit: Emit): void;
  /** The stream's end. Throws GatewayError UP_STREAM_CUT where the framing itself shows that something is missing. */
  end(emit: Emit): void;
}

export interface FramerLimits {
  /** Named in the errors. */
  readonly provider: string;
  /** Bytes that one event may have: 8 MiB unless said, 24 MiB for AWS event streams (the format's own limit). */
  readonly maxEventBytes?: number;
}

export const defaultMaxEventBytes = 8 * 1024 * 1024;
