import { type Flow, isGatewayError, isThenable, type Reply, type Sink } from '../plugin-sdk/index.ts';
import { eventFault } from './answer-shape.ts';
import { badResult, blame } from './blame.ts';
import type { Tap } from './tap.ts';

type Fault = (item: unknown) => string | undefined;

/** A plugin's reply, with the plugin's name on whatever goes wrong in its flow later. */
export function blamedReply(reply: Reply, tap: Tap): Reply {
  const { body } = reply;
  if (body.type === 'flow') return { ...reply, body: { ...body, flow: new PluginFlow(body.flow, chunkFault, tap) } };
  if (body.type === 'events')
    return { ...reply, body: { ...body, events: new PluginFlow(body.events, eventFault, tap) } };
  return reply;
}

function chunkFault(chunk: unknown): string | undefined {
  const isChunk = typeof chunk === 'string' || chunk instanceof Uint8Array;
  return isChunk ? undefined : 'a flow gave something else than bytes';
}

/**
 * A flow that a plugin made. Its source may throw where nobody can catch it, and whatever breaks behind it would be thrown
 * into the plugin's own timer: here each ends the stream with an error.
 */
class PluginFlow<T> implements Flow<T>, Sink<T> {
  readonly #source: Flow<T>;
  readonly #faultOf: Fault;
  readonly #tap: Tap;
  #sink: Sink<T> | undefined = undefined;

  constructor(source: Flow<T>, faultOf: Fault, tap: Tap) {
    this.#source = source;
    this.#faultOf = faultOf;
    this.#tap = tap;
  }

  start(sink: Sink<T>): void {
    this.#sink = sink;
    try {
      const started: unknown = this.#source.start(this);
      if (isThenable(started)) started.then(undefined, (cause) => this.#break(cause));
    } catch (cause) {
      this.#break(cause);
    }
  }

  resume(): void {
    try {
      this.#source.resume();
    } catch (cause) {
      this.#break(cause);
    }
  }

  abort(reason: Error): void {
    this.#sink = undefined;
    try {
      this.#source.abort(reason);
    } catch (err) {
      const { plugin, hook, log } = this.#tap;
      log.error({ plugin, hook, err }, 'a flow could not be stopped');
    }
  }

  push(item: T): boolean {
    const sink = this.#sink;
    if (sink === undefined) return false;
    try {
      const fault = this.#faultOf(item);
      if (fault !== undefined) throw badResult(this.#tap, fault);
      return sink.push(item);
    } catch (cause) {
      this.#break(cause);
      return false;
    }
  }

  end(): void {
    const sink = this.#sink;
    try {
      sink?.end();
      this.#sink = undefined;
    } catch (cause) {
      this.#break(cause);
    }
  }

  fail(error: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(isGatewayError(error) ? error : blame(this.#tap, error));
  }

  #break(cause: unknown): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const error = blame(this.#tap, cause);
    this.abort(error);
    sink.fail(error);
  }
}
