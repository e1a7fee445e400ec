import {
  type AnswerContext,
  type Dialect,
  type FlatHeaders,
  type Flow,
  GatewayError,
  getHeader,
  isGatewayError,
  type Reply,
  type Sink,
  withHeader,
} from '../plugin-sdk/index.ts';
import type { Client } from './client/client.ts';
import type { LiveExchange } from './exchange.ts';
import { problemExtras } from './execute/carried-stream.ts';
import type { Runtime } from './execute/context.ts';
import { KeepAlive } from './keep-alive.ts';
import { replyHeaders } from './reply-headers.ts';

/** Writes a reply to the client. Resolves when its last byte is written, or with the error that ended it early. */
export function deliver(
  exchange: LiveExchange,
  reply: Reply,
  client: Client,
  runtime: Runtime,
): Promise<GatewayError | undefined> | undefined {
  const { body, dialect = exchange.dialect } = reply;
  if (exchange.served?.socket !== undefined && client.join !== undefined) {
    return joined(
      client.join(replyHeaders(exchange, runtime.generation, reply.headers, true, true), exchange.served.socket),
    );
  }
  if (reply.problem !== undefined && dialect !== exchange.dialect && !exchange.route.passthrough) {
    const { problem } = reply;
    deliverError(
      exchange,
      new GatewayError('UP_STATUS', { message: problem.message }, problemExtras(problem)),
      client,
      runtime,
    );
    return undefined;
  }
  if (reply.usage !== undefined) exchange.usage = reply.usage;
  switch (body.type) {
    case 'none':
      client.writeHead(reply.status, replyHeaders(exchange, runtime.generation, reply.headers, true));
      client.end(undefined);
      return undefined;
    case 'bytes':
      deliverBytes(exchange, reply, body.bytes, client, runtime);
      return undefined;
    case 'answer': {
      const json = exchange.dialect.chat!.encodeAnswer(body.answer, answerContext(exchange));
      const headers = [...withHeader(reply.headers, 'content-type', undefined), 'content-type', 'application/json'];
      deliverBytes(exchange, { ...reply, headers }, JSON.stringify(json), client, runtime);
      return undefined;
    }
    case 'flow':
      client.writeHead(reply.status, replyHeaders(exchange, runtime.generation, reply.headers, !body.events));
      return pour(
        exchange,
        body.flow,
        (chunk) => chunk,
        body.events ? exchange.dialect : undefined,
        client,
        runtime,
        body.trailers,
      );
    case 'events': {
      const encoder = exchange.dialect.chat!.encodeStream(answerContext(exchange));
      const headers = withHeader(
        withHeader(reply.headers, 'content-type', 'text/event-stream; charset=utf-8'),
        'cache-control',
        'no-cache',
      );
      client.writeHead(200, replyHeaders(exchange, runtime.generation, headers, false));
      return pour(exchange, body.events, (event) => encoder.event(event), exchange.dialect, client, runtime);
    }
  }
}

function deliverBytes(
  exchange: LiveExchange,
  reply: Reply,
  bytes: Buffer | string,
  client: Client,
  runtime: Runtime,
): void {
  const headers = replyHeaders(exchange, runtime.generation, reply.headers, false);
  const isEmptyByRule = client.method === 'HEAD' || reply.status === 204 || reply.status === 304;
  const length = getHeader(reply.headers, 'content-length');
  if (!isEmptyByRule)
    headers.push('content-length', String(typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length));
  else if (length !== undefined && reply.status !== 204) headers.push('content-length', length);
  client.writeHead(reply.status, headers);
  client.end(isEmptyByRule ? undefined : bytes);
  const { dialect = exchange.dialect } = reply;
  if (exchange.usage !== undefined || exchange.served?.usage !== undefined || typeof bytes === 'string') return;
  const read = (): void => readUsage(exchange, dialect, reply, bytes);
  exchange.readUsage = read;
}

/** Usage of a carried JSON reply; read after the reply is on its way. */
function readUsage(exchange: LiveExchange, dialect: Dialect, reply: Reply, bytes: Buffer): void {
  if (
    !(getHeader(reply.headers, 'content-type') ?? '').includes('json') ||
    getHeader(reply.headers, 'content-encoding') !== undefined
  )
    return;
  const { usage, finish } = dialect.meter.json(bytes);
  exchange.usage = usage;
  exchange.finish ??= finish;
}

/** A WebSocket is over when both sides are closed; which one was first makes no difference. */
async function joined(closed: Promise<void>): Promise<undefined> {
  await closed;
}

/** Lets a flow run to the client, with backpressure, keep-alive comments, and an error event if it breaks. */
function pour<T>(
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
      finish(gone);
    });
    const fail = (cause: unknown): void => {
      if (over) return;
      const error = isGatewayError(cause)
        ? cause
        : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
      // Bytes without events have no place for an error: a cut connection is the only honest end.
      if (dialect === undefined) client.cut();
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

/** Reports a failure in the client's own dialect: as HTTP status before the first byte. After it, the stream says so itself. */
export function deliverError(exchange: LiveExchange, error: GatewayError, client: Client, runtime: Runtime): void {
  if (client.headSent || exchange.clientGone) {
    client.cut();
    return;
  }
  const { status, body } = exchange.dialect.encodeError(error, exchange.id);
  const headers = ['content-type', 'application/json'];
  if (error.code === 'REQ_METHOD') headers.push('allow', String(error.fields['allowed']).replaceAll(' or ', ', '));
  if (error.retryAfterMs !== undefined) headers.push('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)));
  if (error.clientMayRetry !== undefined) headers.push('x-should-retry', String(error.clientMayRetry));
  deliverBytes(exchange, { origin: 'gateway', status, headers, body: { type: 'none' } }, body, client, runtime);
}

export function answerContext(exchange: LiveExchange): AnswerContext {
  return {
    requestId: exchange.id,
    model: exchange.model ?? '',
    conversation: exchange.conversation(),
    now: Math.floor(exchange.time / 1_000),
  };
}
