import {
  getHeader,
  isThenable,
  type JsonReply,
  type MaybePromise,
  type Reply,
  withHeader,
} from '../plugin-sdk/index.ts';
import { loadOnUse } from '../plugin-sdk/load-on-use.ts';
import { answerContext } from './answer-context.ts';
import { badResult } from './blame.ts';
import { decodedReply } from './decoded-reply.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { run } from './hooks.ts';
import { SeenReply } from './seen-reply.ts';
import { isPassedOver } from './tap.ts';

const streaming = loadOnUse<typeof import('./transform-stream.ts')>(import.meta.url, './transform-stream');

/**
 * Runs `transformResponse` on a successful reply. With nobody asking, nothing is parsed; a carried reply that no plugin
 * changed goes on with the provider's own bytes.
 */
export function transformReply(exchange: LiveExchange, reply: Reply, runtime: Runtime): MaybePromise<Reply> {
  if (reply.problem !== undefined || reply.status >= 400) return reply;
  const { body } = reply;
  if (body.type === 'bytes' || body.type === 'answer') return transformWhole(exchange, reply, runtime);
  const isEvents = body.type === 'events' || (body.type === 'flow' && body.events);
  return isEvents && runtime.hooks.transformStream.length > 0
    ? streaming().transformStream(exchange, reply, runtime)
    : reply;
}

function transformWhole(exchange: LiveExchange, reply: Reply, runtime: Runtime): MaybePromise<Reply> {
  const { transformJson } = runtime.hooks;
  if (!transformJson.isUsed()) return reply;
  const seen = jsonReplyOf(exchange, reply, runtime);
  if (seen === undefined) return reply;
  const changed = run(transformJson, seen, exchange);
  return isThenable(changed)
    ? changed.then((value) => written(exchange, reply, seen, value))
    : written(exchange, reply, seen, changed);
}

/** The reply as plugins see it; undefined when it is no JSON object: such a reply passes them unseen. */
function jsonReplyOf(exchange: LiveExchange, reply: Reply, runtime: Runtime): JsonReply | undefined {
  const { body } = reply;
  if (body.type === 'answer') return new SeenReply(exchange, reply, body.answer);
  if (body.type !== 'bytes' || !(getHeader(reply.headers, 'content-type') ?? '').includes('json')) return undefined;
  const plain = plainBytes(exchange, reply, body.bytes, runtime);
  if (plain === undefined || !startsObject(plain)) return undefined;
  return new SeenReply(exchange, reply, plain);
}

/** A reply without its compression. What a passthrough client and its provider agreed on is theirs. */
function plainBytes(
  exchange: LiveExchange,
  reply: Reply,
  bytes: Buffer | string,
  runtime: Runtime,
): Buffer | string | undefined {
  const coding = getHeader(reply.headers, 'content-encoding');
  if (coding === undefined || typeof bytes === 'string') return bytes;
  return exchange.route.passthrough === true ? undefined : decodedReply(bytes, coding, runtime.replyBytes);
}

function startsObject(bytes: Buffer | string): boolean {
  return /^\s*\{/.test(typeof bytes === 'string' ? bytes : bytes.toString('latin1', 0, 64));
}

function written(exchange: LiveExchange, reply: Reply, seen: JsonReply, changed: JsonReply | undefined): Reply {
  if (changed === undefined || changed === seen) return reply;
  const { answer, status } = changed;
  const isAnswer = answer !== undefined && answer !== seen.answer;
  let bytes: Buffer;
  try {
    const json = isAnswer ? exchange.dialect.chat!.encodeAnswer(answer, answerContext(exchange)) : changed.json;
    bytes = Buffer.from(JSON.stringify(json));
  } catch (cause) {
    passOver(exchange, cause);
    return reply;
  }
  let headers = withHeader(reply.headers, 'content-encoding', undefined);
  if (isAnswer || getHeader(headers, 'content-type') === undefined)
    headers = withHeader(headers, 'content-type', 'application/json');
  return { ...reply, headers, dialect: exchange.dialect, status, body: { type: 'bytes', bytes } };
}

/** Goes on without a change that cannot be written, where its plugin may be done without. Throws GatewayError otherwise. */
function passOver(exchange: LiveExchange, cause: unknown): void {
  const { changedBy } = exchange;
  if (changedBy === undefined) throw cause;
  const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  const error = badResult(changedBy, `it cannot be written as JSON (${why})`);
  if (!isPassedOver(changedBy, exchange, error)) throw error;
}
