import { getHeader, isThenable, type JsonReply, type MaybePromise, type Reply } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { run } from './hooks.ts';
import { SeenReply } from './seen-reply.ts';
import { transformStream } from './transform-stream.ts';

/**
 * Runs `transformResponse` on a successful reply. With nobody asking, nothing is parsed; a carried reply that no plugin
 * changed goes on with the provider's own bytes.
 */
export function transformReply(exchange: LiveExchange, reply: Reply, runtime: Runtime): MaybePromise<Reply> {
  if (reply.problem !== undefined || reply.status >= 400) return reply;
  const { body } = reply;
  if (body.type === 'bytes' || body.type === 'answer') return transformWhole(exchange, reply, runtime);
  const isEvents = body.type === 'events' || (body.type === 'flow' && body.events);
  return isEvents ? transformStream(exchange, reply, runtime) : reply;
}

function transformWhole(exchange: LiveExchange, reply: Reply, runtime: Runtime): MaybePromise<Reply> {
  const { transformJson } = runtime.hooks;
  if (!transformJson.isUsed()) return reply;
  const seen = jsonReplyOf(exchange, reply);
  if (seen === undefined) return reply;
  const changed = run(transformJson, seen, exchange);
  return isThenable(changed)
    ? changed.then((value) => written(exchange, reply, seen, value))
    : written(exchange, reply, seen, changed);
}

/** The reply as plugins see it; undefined when it is not JSON. */
function jsonReplyOf(exchange: LiveExchange, reply: Reply): JsonReply | undefined {
  const { body } = reply;
  if (body.type === 'answer') return new SeenReply(exchange, reply, body.answer);
  if (body.type !== 'bytes' || !(getHeader(reply.headers, 'content-type') ?? '').includes('json')) return undefined;
  if (exchange.route.passthrough === true && !isPlainObject(reply, body.bytes)) return undefined;
  return new SeenReply(exchange, reply, body.bytes);
}

/** Passthrough carries whatever the provider sends: compressed bodies, lists, what only calls itself JSON. */
function isPlainObject(reply: Reply, bytes: Buffer | string): boolean {
  if (getHeader(reply.headers, 'content-encoding') !== undefined) return false;
  return /^\s*\{/.test(typeof bytes === 'string' ? bytes : bytes.toString('latin1', 0, 64));
}

function written(exchange: LiveExchange, reply: Reply, seen: JsonReply, changed: JsonReply | undefined): Reply {
  if (changed === undefined || changed === seen) return reply;
  if (changed.answer !== undefined && changed.answer !== seen.answer)
    return { ...reply, body: { type: 'answer', answer: changed.answer } };
  const bytes = Buffer.from(JSON.stringify(changed.json));
  return { ...reply, dialect: exchange.dialect, status: changed.status, body: { type: 'bytes', bytes } };
}
