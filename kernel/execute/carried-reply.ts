import {
  type Dialect,
  getHeader,
  type MaybePromise,
  type Provider,
  type Reply,
  withHeader,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { isEventStream } from '../meter/passing-meter.ts';
import { problemReply } from './call.ts';
import { CarriedStream } from './carried-stream.ts';
import type { Runtime } from './context.ts';
import { wantsBase64, withWantedEncoding } from './embeddings-format.ts';
import { failedReply } from './failed-reply.ts';
import { HeldStart } from './held-start.ts';
import { checkComplete, hiddenFailure, noAnswer } from './hidden-failure.ts';
import { quirkedStream } from './quirked-stream.ts';
import { fixError, fixReply } from './quirks.ts';
import type { Upstream } from './upstream.ts';
import { wholeAsStream, withoutDescription } from './whole-as-stream.ts';
import { wholeBody } from './whole-body.ts';

/** Replies up to this size are read whole before they are passed on; larger ones flow. */
const wholeBytes = 1_048_576;

/**
 * The reply to a carried call: the provider's bytes, whole or as they come. Nobody waits where all is there.
 *
 * Throws GatewayError UP_BAD_BODY, UP_STREAM_ERROR.
 */
export function carriedReply(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
  runtime: Runtime,
): MaybePromise<Reply> {
  const { reply } = upstream;
  const { exchange } = attempt;
  const { status, headers } = reply;
  if (status >= 400) return failedReply(attempt, provider, dialect, upstream);
  const type = getHeader(headers, 'content-type') ?? '';
  if (isEventStream(type) && getHeader(headers, 'content-encoding') === undefined) {
    return committedStream(attempt, provider, dialect, upstream).then((flow) => ({
      origin: 'upstream',
      status,
      headers,
      dialect,
      body: { type: 'flow', flow, events: true },
    }));
  }
  const whole = reply.takeWhole();
  if (whole === undefined && (isSmallJson(type, headers, runtime) || (type.includes('json') && wantsBase64(exchange))))
    return collectWhole(provider, upstream, runtime).then((bytes) =>
      plainReply(attempt, provider, dialect, upstream, type, bytes),
    );
  return plainReply(attempt, provider, dialect, upstream, type, whole);
}

/** A reply that did not come as a stream of events: `whole`, or still on its way. Throws GatewayError UP_BAD_BODY. */
function plainReply(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
  type: string,
  whole: Buffer | undefined,
): Reply {
  const { reply } = upstream;
  const { exchange } = attempt;
  const base = { origin: 'upstream', status: reply.status, headers: reply.headers, dialect } as const;
  const isPlain = exchange.route.passthrough !== true && getHeader(reply.headers, 'content-encoding') === undefined;
  const isAnswer = isPlain && exchange.request.method === 'POST' && reply.status === 200;
  const fault = isAnswer ? noAnswer(provider, exchange.operation, type, whole) : undefined;
  if (fault !== undefined) {
    reply.abort(fault);
    upstream.done();
    throw fault;
  }
  if (whole === undefined) {
    upstream.arrived();
    return { ...base, body: { type: 'flow', flow: watched(upstream), events: false } };
  }
  // Nothing more is waited for: no time limit either.
  attempt.arrived();
  upstream.done();
  const isJson = isPlain && type.includes('json');
  if (isJson) checkComplete(provider, reply.headers, whole);
  const hidden = isJson ? hiddenFailure(dialect, whole) : undefined;
  const fixed = isPlain ? fixReply(provider, whole, type) : undefined;
  const failedStatus = fixed?.status ?? hidden;
  if (failedStatus !== undefined) {
    return problemReply(attempt, dialect, failedStatus, fixError(provider, whole), reply.headers);
  }
  const events = isAnswer && isJson ? wholeAsStream(attempt, provider, dialect, fixed?.bytes ?? whole) : undefined;
  if (events !== undefined)
    return { ...base, headers: withoutDescription(reply.headers), body: { type: 'events', events } };
  const encoded = isPlain ? withWantedEncoding(exchange, fixed?.bytes ?? whole) : undefined;
  const bytes = encoded ?? fixed?.bytes ?? whole;
  return {
    ...base,
    headers: bytes === whole ? reply.headers : withHeader(reply.headers, 'content-length', undefined),
    body: { type: 'bytes', bytes },
  };
}

function isSmallJson(type: string, headers: readonly string[], runtime: Runtime): boolean {
  const length = getHeader(headers, 'content-length');
  return (
    type.includes('json') &&
    (length === undefined || Number(length) <= wholeBytes) &&
    (getHeader(headers, 'content-encoding') === undefined || runtime.hooks.transformJson.isUsed())
  );
}

async function collectWhole(provider: Provider, upstream: Upstream, runtime: Runtime): Promise<Buffer> {
  try {
    return await wholeBody(provider, upstream.reply, runtime.replyBytes);
  } catch (error) {
    upstream.done();
    throw error;
  }
}

function committedStream(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
): Promise<HeldStart<Buffer>> {
  const { exchange } = attempt;
  return new Promise((resolve, reject) => {
    const out: HeldStart<Buffer> = new HeldStart(upstream, exchange.policy.holdBack, (error) =>
      error === undefined ? resolve(out) : reject(error),
    );
    const carried = new CarriedStream(out, {
      provider: provider.name,
      meter: dialect.meter,
      passthrough: exchange.route.passthrough === true,
      onUsage: (usage) => {
        attempt.usage = usage;
      },
      onFinish: (finish) => {
        attempt.finish = finish;
      },
      onProblem: (problem) => {
        attempt.problem = problem;
      },
    });
    upstream.reply.start(
      exchange.route.passthrough === true ? carried : quirkedStream(carried, provider.name, provider.quirks),
    );
  });
}

/** A flow of plain bytes whose end frees the time limits. */
function watched(upstream: Upstream): Extract<Reply['body'], { type: 'flow' }>['flow'] {
  const { reply } = upstream;
  return {
    start: (sink) =>
      reply.start({
        push: (chunk) => sink.push(chunk),
        end: () => {
          upstream.done();
          sink.end();
        },
        fail: (error) => {
          upstream.done();
          sink.fail(error);
        },
      }),
    resume: () => reply.resume(),
    abort: (reason) => {
      upstream.done();
      reply.abort(reason);
    },
  };
}
