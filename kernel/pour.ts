import {
  type Dialect,
  type FlatHeaders,
  type Flow,
  GatewayError,
  isGatewayError,
  type Sink,
} from '../plugin-sdk/index.ts';
import type { Client } from './client/client.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { KeepAlive } from './keep-alive.ts';
import { isInsideEvent } from './torn-events.ts';

/** Lets a flow run to the client, with backpressure, keep-alive comments, and an error event if it breaks. */
export function pour<T>(
  exchange: LiveExchange,
  flow: Flow<T>,
  encode: (item: T) => Buffer | string | Uint8Array,
  dialect: Dialect | undefined,
  client: Client,
  runtime: Runtime,
  trailers?: () => FlatHeaders,
): Promise<GatewayError | undefined> {
  return new Promise((resolve) => {
    const mayComment = dialect?.framing === 'sse' && exchange.route.passthrough !== true;
    const keepAlive = mayComment
      ? new KeepAlive(runtime.keepAliveCommentMs, () => client.write(': keep-alive\n\n'))
      : undefined;
    let over = false;
    const finish = (error?: GatewayError): void => {
      over = true;
      keepAlive?.stop();
      unlisten();
      client.onDrain = undefined;
      resolve(error);
    };
    const unlisten = exchange.onClientGone(() => {
      const gone = new GatewayError('CLIENT_GONE', {});
      flow.abort(gone);
      // It may be there still and only have stopped reading.
      client.cut();
      finish(gone);
    });
    const fail = (cause: unknown): void => {
      if (over) return;
      const error = isGatewayError(cause)
        ? cause
        : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
      // Bytes without events, or half an event, have no place for an error: a cut connection is the only honest end.
      if (dialect === undefined || isInsideEvent(error)) client.cut();
      else client.end(Buffer.from(dialect.encodeStreamError(error, exchange.id)));
      finish(error);
    };
    const onDrain = (): void => flow.resume();
    client.onDrain = onDrain;
    const sink: Sink<T> = {
      push(item) {
        if (over) return false;
        try {
          const bytes = encode(item);
          if (bytes.length === 0) return true;
          exchange.chunks += 1;
          keepAlive?.touch();
          return client.write(bytes as Buffer | string);
        } catch (cause) {
          flow.abort(cause as Error);
          fail(cause);
          return false;
        }
      },
      end() {
        if (over) return;
        client.end(undefined, trailers?.());
        finish();
      },
      fail,
    };
    try {
      flow.start(sink);
    } catch (cause) {
      flow.abort(cause as Error);
      fail(cause);
    }
    // What was there went out together with the head; a head alone need not wait for what comes.
    if (client.bytesOut === 0) client.flushHead();
  });
}
