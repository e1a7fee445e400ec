import type { Socket } from 'node:net';
import type { Body, FlatHeaders, RequestHeaders } from '../../plugin-sdk/index.ts';

/** The caller's side of one exchange: where the request came from and the reply goes. */
export interface Client {
  readonly method: string;
  /** Path with query, as it came. */
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly address: string;
  /** The caller asks for a WebSocket. */
  readonly upgrade?: boolean;
  readonly headSent: boolean;
  /** Bytes of the reply's body that were written. */
  readonly bytesOut: number;
  /** Calls back once when the caller leaves before the reply is complete. */
  onGone: (() => void) | undefined;
  /** What is resumed when a `write` that returned false has drained. */
  source: { resume(): void } | undefined;
  /** Reads the request's body, of which `headers` tell, within limits. Throws GatewayError REQ_TOO_LARGE, REQ_TIMEOUT, REQ_ENCODING, REQ_TRANSFER_ENCODING, CLIENT_GONE. */
  readBody(headers: RequestHeaders, limits: BodyLimits): Promise<Body> | Body;
  writeHead(status: number, headers: FlatHeaders): void;
  /** False asks for a pause until `source` is resumed. */
  write(chunk: Buffer | string): boolean;
  end(chunk: Buffer | string | undefined, trailers?: FlatHeaders): void;
  /** Sends the head at once, for a reply whose first bytes may take their time. */
  flushHead(): void;
  /** Ends the connection, so that the caller sees that something is missing. */
  cut(): void;
  /** Answers 101 and joins the connection to the provider's. Resolves when both are closed. Only with `upgrade`. */
  join?(headers: FlatHeaders, provider: Socket): Promise<void>;
}

export interface BodyLimits {
  /** For bodies that are streamed. */
  readonly uploadBytes: number;
  /** For bodies that are held. */
  readonly bodyBytes: number;
  /** For a held body to arrive whole; for a streamed one, how long nothing may come. */
  readonly bodyTimeoutMs: number;
  /** Levels that JSON may nest. */
  readonly jsonDepth: number;
  /** Bodies above this are streamed where the operation allows. */
  readonly bufferBytes: number;
  /** The body may be passed on while it comes. */
  readonly mayStream: boolean;
  /** Passthrough: the bytes stay as they are, compressed or not. */
  readonly keepEncoding: boolean;
}
