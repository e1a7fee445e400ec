import {
  type AnswerEvent,
  type FlatHeaders,
  GatewayError,
  getHeader,
  isObject,
  type JsonValue,
  type Reply,
  withHeader,
} from '../plugin-sdk/index.ts';
import { answerContext } from './answer-context.ts';
import { badResult } from './blame.ts';
import type { Client } from './client/client.ts';
import { errorHeaders } from './error-headers.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { pour } from './pour.ts';
import { problemExtras } from './provider-problem.ts';
import { replyHeaders } from './reply-headers.ts';
import { noteFinish, readUsage } from './reply-notes.ts';
import { headersFault } from './result-fault.ts';

/** Replies above this are not searched for their usage before they are sent. */
const readFirstBytes = 65_536;

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
  if (
    reply.problem !== undefined &&
    !exchange.route.passthrough &&
    (dialect !== exchange.dialect || !namesError(reply))
  ) {
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
      noteFinish(exchange, body.answer.choices[0]?.finish);
      const json = exchange.dialect.chat!.encodeAnswer(body.answer, answerContext(exchange));
      const headers = [...withHeader(reply.headers, 'content-type', undefined), 'content-type', 'application/json'];
      deliverBytes(exchange, { ...reply, headers }, JSON.stringify(json), client, runtime);
      return undefined;
    }
    case 'flow':
      return pour(
        exchange,
        {
          status: reply.status,
          headers: replyHeaders(exchange, runtime.generation, reply.headers, !body.events),
          flow: body.flow,
          encode: asItIs,
          dialect: body.events ? exchange.dialect : undefined,
          trailers: body.trailers,
        },
        client,
        runtime,
      );
    case 'events': {
      const encoder = exchange.dialect.chat!.encodeStream(answerContext(exchange));
      const own = withHeader(
        withHeader(reply.headers, 'content-type', 'text/event-stream; charset=utf-8'),
        'cache-control',
        'no-cache',
      );
      const headers = replyHeaders(exchange, runtime.generation, own, false);
      const encode = (event: AnswerEvent): string | Uint8Array => {
        if (event.type === 'finish') noteFinish(exchange, event.finish);
        return encoder.event(event);
      };
      const { dialect } = exchange;
      return pour(exchange, { status: 200, headers, flow: body.events, encode, dialect }, client, runtime);
    }
  }
}

function asItIs(chunk: Buffer): Buffer {
  return chunk;
}

function deliverBytes(
  exchange: LiveExchange,
  reply: Reply,
  bytes: Buffer | string,
  client: Client,
  runtime: Runtime,
): void {
  const { dialect = exchange.dialect } = reply;
  const isKnown = exchange.usage !== undefined || exchange.served?.usage !== undefined || typeof bytes === 'string';
  const isAsked =
    reply.origin === 'upstream' && runtime.hooks.transformUsage.length > 0 && bytes.length <= readFirstBytes;
  if (isAsked && !isKnown) readUsage(exchange, dialect, reply, bytes as Buffer);
  const headers = replyHeaders(exchange, runtime.generation, reply.headers, false);
  if (isAsked) addUsageHeaders(headers, exchange, runtime);
  const isEmptyByRule = client.method === 'HEAD' || reply.status === 204 || reply.status === 304;
  const length = getHeader(reply.headers, 'content-length');
  if (!isEmptyByRule)
    headers.push('content-length', String(typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length));
  else if (length !== undefined && reply.status !== 204) headers.push('content-length', length);
  client.writeHead(reply.status, headers);
  client.end(isEmptyByRule ? undefined : bytes);
  if (isAsked || isKnown) return;
  // Not assigned where it is made: V8 would allocate it in the old generation, and what it holds follows it there.
  const read = (): void => readUsage(exchange, dialect, reply, bytes as Buffer);
  exchange.readUsage = read;
}

/** What plugins say of a reply whose usage is known. One that fails is left out: the answer itself is there. */
function addUsageHeaders(headers: FlatHeaders, exchange: LiveExchange, { hooks }: Runtime): void {
  const { served } = exchange;
  const usage = exchange.usage ?? served?.usage;
  if (served === undefined || usage === undefined) return;
  const { target, chosen } = served;
  const { provider } = target;
  const answered = { provider, model: chosen?.model ?? target.model, key: chosen?.name, result: 'ok' as const, usage };
  const attempts = [...exchange.attempts, answered];
  for (const { plugin, face } of hooks.transformUsage) {
    try {
      const more = face(attempts, exchange);
      if (more === undefined) continue;
      const fault = headersFault(more);
      if (fault !== undefined) throw badResult({ plugin, hook: 'transformResponse' }, `usage: ${fault}`, more);
      headers.push(...more);
    } catch (err) {
      exchange.log.error({ request: exchange.id, plugin, err }, 'the headers of a reply could not be made');
    }
  }
}

/** A WebSocket is over when both sides are closed; which one was first makes no difference. */
async function joined(closed: Promise<void>): Promise<undefined> {
  await closed;
}

/** Reports a failure in the client's own dialect: as HTTP status before the first byte. After it, the stream says so itself. */
export function deliverError(exchange: LiveExchange, error: GatewayError, client: Client, runtime: Runtime): void {
  if (client.headSent || exchange.clientGone) {
    client.cut();
    return;
  }
  const { status, body } = exchange.dialect.encodeError(error, exchange.id);
  const headers = errorHeaders(error).flat();
  deliverBytes(exchange, { origin: 'gateway', status, headers, body: { type: 'none' } }, body, client, runtime);
}

/** Whether a client can read a provider's failure as it stands: the web page of a proxy, or nothing at all, it cannot. */
function namesError({ headers, body }: Reply): boolean {
  if (body.type !== 'bytes') return true;
  if (getHeader(headers, 'content-encoding') !== undefined)
    return (getHeader(headers, 'content-type') ?? '').includes('json');
  try {
    const json = JSON.parse(String(body.bytes)) as JsonValue;
    return isObject(json) && isObject(json['error']);
  } catch {
    return false;
  }
}
