import {
  type Answer,
  type AnswerEvent,
  BytesBody,
  type Flow,
  GatewayError,
  getHeader,
  isGatewayError,
  isThenable,
  type JsonReply,
  type MaybePromise,
  type Reply,
  type Sink,
  type StreamTransform,
} from '../plugin-sdk/index.ts';
import { answerContext } from './deliver.ts';
import type { Runtime } from './execute/context.ts';
import type { LiveExchange } from './exchange.ts';
import { createFramer } from './framing/framer.ts';
import { run } from './hooks.ts';

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
  return isThenable(changed) ? changed.then((value) => written(exchange, reply, seen, value)) : written(exchange, reply, seen, changed);
}

/** The reply as plugins see it; undefined when it is not JSON. Both views are made only when looked at. */
function jsonReplyOf(exchange: LiveExchange, reply: Reply): JsonReply | undefined {
  const { body, status, origin } = reply;
  const codec = exchange.dialect.chat;
  if (body.type === 'answer') {
    const { answer } = body;
    return {
      status,
      origin,
      answer,
      get json() {
        return codec!.encodeAnswer(answer, answerContext(exchange));
      },
    };
  }
  if (body.type !== 'bytes' || !(getHeader(reply.headers, 'content-type') ?? '').includes('json')) return undefined;
  const bytes = new BytesBody(typeof body.bytes === 'string' ? Buffer.from(body.bytes) : body.bytes, 'application/json');
  let decoded: Answer | undefined;
  const base = {
    status,
    origin,
    get json() {
      return bytes.json();
    },
  };
  if (codec === undefined) return base;
  return Object.defineProperty(base, 'answer', {
    enumerable: true,
    get: () => (decoded ??= codec.decodeAnswer(bytes.json())),
  });
}

function written(exchange: LiveExchange, reply: Reply, seen: JsonReply, changed: JsonReply | undefined): Reply {
  if (changed === undefined || changed === seen) return reply;
  if (changed.answer !== undefined && changed.answer !== seen.answer) return { ...reply, body: { type: 'answer', answer: changed.answer } };
  const bytes = Buffer.from(JSON.stringify(changed.json));
  return { ...reply, dialect: exchange.dialect, status: changed.status, body: { type: 'bytes', bytes } };
}

function transformStream(exchange: LiveExchange, reply: Reply, runtime: Runtime): Reply {
  const transforms: StreamTransform[] = [];
  for (const { plugin, factory } of runtime.hooks.transformStream) {
    try {
      const transform = factory(exchange);
      if (transform !== undefined) transforms.push(blamed(transform, plugin));
    } catch (cause) {
      throw blame(cause, plugin);
    }
  }
  if (transforms.length === 0) return reply;
  const events = reply.body.type === 'events' ? reply.body.events : decoded(exchange, reply);
  return events === undefined ? reply : { ...reply, body: { type: 'events', events: through(events, transforms) } };
}

/** A carried stream as typed events; undefined for an operation whose dialect has none. */
function decoded(exchange: LiveExchange, reply: Reply): Flow<AnswerEvent> | undefined {
  const codec = exchange.dialect.chat;
  if (codec === undefined || reply.body.type !== 'flow') return undefined;
  const { flow } = reply.body;
  const framer = createFramer(exchange.dialect.framing, { provider: exchange.served?.target.provider ?? 'the provider' });
  const decoder = codec.decodeStream();
  return {
    resume: () => flow.resume(),
    abort: (reason) => flow.abort(reason),
    start(sink) {
      let ready = true;
      const emit = (event: AnswerEvent): void => {
        ready = sink.push(event);
      };
      const guarded = (step: () => void): void => {
        try {
          step();
        } catch (cause) {
          flow.abort(cause as Error);
          sink.fail(cause as Error);
        }
      };
      flow.start({
        push(chunk) {
          guarded(() => framer.push(chunk, (event) => decoder.event(event, emit)));
          return ready;
        },
        end: () =>
          guarded(() => {
            framer.end((event) => decoder.event(event, emit));
            decoder.end(emit);
            sink.end();
          }),
        fail: (error) => sink.fail(error),
      });
    },
  };
}

/** Links the transforms into one function call per event, so that an event never crosses a promise between plugins. */
function through(events: Flow<AnswerEvent>, transforms: readonly StreamTransform[]): Flow<AnswerEvent> {
  return {
    resume: () => events.resume(),
    abort: (reason) => events.abort(reason),
    start(sink: Sink<AnswerEvent>) {
      let ready = true;
      let push = (event: AnswerEvent): void => {
        ready = sink.push(event);
      };
      const enders: (() => void)[] = [];
      for (const transform of transforms.toReversed()) {
        const next = push;
        push = (event) => transform.event(event, next);
        enders.unshift(() => transform.end?.(next));
      }
      events.start({
        push(event) {
          // The last event closes the client's stream, so what was held back must come before it.
          if (event.type === 'end') for (const end of enders) end();
          push(event);
          return ready;
        },
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      });
    },
  };
}

function blamed(transform: StreamTransform, plugin: string): StreamTransform {
  const guard = (step: () => void): void => {
    try {
      step();
    } catch (cause) {
      throw blame(cause, plugin);
    }
  };
  const { end } = transform;
  return {
    event: (event, emit) => guard(() => transform.event(event, emit)),
    ...(end === undefined ? {} : { end: (emit) => guard(() => end.call(transform, emit)) }),
  };
}

function blame(cause: unknown, plugin: string): GatewayError {
  const hook = 'transformResponse';
  if (!isGatewayError(cause)) return new GatewayError('PLUGIN_FAILED', { plugin, hook }, { cause, plugin, hook });
  cause.plugin ??= plugin;
  cause.hook ??= hook;
  return cause;
}
