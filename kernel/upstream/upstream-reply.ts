import type { FlatHeaders, Flow } from '../../plugin-sdk/index.ts';

/** An upstream's answer: its head, and its body as a flow. */
export interface UpstreamReply extends Flow<Buffer> {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly trailers: FlatHeaders;
  /** Milliseconds that opening a connection took; undefined when one was open. */
  readonly connectMs: number | undefined;
  /** The whole body, if it has already come; then the flow must not be started. */
  takeWhole(): Buffer | undefined;
  /** Stops the call and lets the flow fail with this error. */
  cut(error: Error): void;
  /** Whoever reads wants no more for now. */
  readonly paused: boolean;
  /** Touched on every read; for the time limit between events. */
  watch: { touch(): void } | undefined;
}
