import type { AnswerEvent, Emit, Flow, Reply, Sink } from '../plugin-sdk/index.ts';
import { askForTransform, BlamedTransform } from './blamed-transform.ts';
import { decodedFlow, eventReader, tappedBytes } from './event-tap.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { withoutEvents } from './omitted-events.ts';
import { StreamObserver } from './stream-observer.ts';

/** The stream face of `transformResponse`: asks each plugin once, then links what they gave into one call per event. */
export function transformStream(exchange: LiveExchange, reply: Reply, runtime: Runtime): Reply {
  const changing: BlamedTransform[] = [];
  const observing: StreamObserver[] = [];
  const atSource: StreamObserver[] = [];
  for (const { plugin, factory } of runtime.hooks.transformStream) {
    const transform = askForTransform(plugin, factory, exchange);
    if (transform === undefined) continue;
    if (transform.observes === 'source') atSource.push(new StreamObserver(plugin, transform, exchange));
    else if (transform.observes === true) observing.push(new StreamObserver(plugin, transform, exchange));
    else changing.push(new BlamedTransform(transform, plugin));
  }
  if (changing.length + observing.length + atSource.length === 0) return reply;
  const { body } = reply;
  if (
    body.type === 'flow' &&
    exchange.dialect.framing === 'sse' &&
    changing.every(({ omits }) => omits !== undefined)
  ) {
    return { ...reply, body: { ...body, flow: stillCarried(body.flow, { changing, observing, atSource }, exchange) } };
  }
  // Where nothing changes, the source is what everyone sees.
  if (changing.length === 0) observing.push(...atSource.splice(0));
  const transforms: Transforms = { changing, observing, atSource };
  if (body.type === 'events') return { ...reply, body: { type: 'events', events: through(body.events, transforms) } };
  if (body.type !== 'flow') return reply;
  if (changing.length === 0) return { ...reply, body: { ...body, flow: watched(body.flow, observing, exchange) } };
  const reader = eventReader(exchange.dialect, providerOf(exchange));
  if (reader === undefined) return reply;
  return { ...reply, body: { type: 'events', events: through(decodedFlow(body.flow, reader), transforms) } };
}

interface Transforms {
  readonly changing: readonly BlamedTransform[];
  readonly observing: readonly StreamObserver[];
  readonly atSource: readonly StreamObserver[];
}

/** The provider's own bytes, at most without some events. */
function stillCarried(
  source: Flow<Buffer>,
  { changing, observing, atSource }: Transforms,
  exchange: LiveExchange,
): Flow<Buffer> {
  let flow = watched(source, atSource, exchange);
  for (const { omits } of changing) flow = withoutEvents(flow, omits!, providerOf(exchange));
  return watched(flow, observing, exchange);
}

/** The same bytes, shown to the observers as events. */
function watched(flow: Flow<Buffer>, observers: readonly StreamObserver[], exchange: LiveExchange): Flow<Buffer> {
  if (observers.length === 0) return flow;
  const reader = eventReader(exchange.dialect, providerOf(exchange));
  if (reader === undefined) return flow;
  const onError = (err: unknown): void =>
    exchange.log.debug({ request: exchange.id, err }, 'a stream could not be read to its end');
  return tappedBytes(flow, reader, observerOf(observers), onError);
}

function providerOf(exchange: LiveExchange): string {
  return exchange.served?.target.provider ?? 'the provider';
}

/** Shows every event to the observers. */
function observerOf(observers: readonly StreamObserver[]): Emit {
  return (event) => {
    for (const observer of observers) observer.show(event);
  };
}

/** Links the transforms into one function call per event, so that an event never crosses a promise between plugins. */
function through(events: Flow<AnswerEvent>, { changing, observing, atSource }: Transforms): Flow<AnswerEvent> {
  return {
    resume: () => events.resume(),
    abort: (reason) => events.abort(reason),
    start(sink: Sink<AnswerEvent>) {
      let ready = true;
      const observe = observerOf(observing);
      let push: Emit = (event) => {
        observe(event);
        ready = sink.push(event);
      };
      const enders: (() => void)[] = [];
      for (const transform of changing.toReversed()) {
        const next = transform.checked(push);
        push = (event) => transform.event(event, next);
        enders.unshift(() => transform.end(next));
      }
      const observeSource = observerOf(atSource);
      events.start({
        push(event) {
          ready = true;
          // The last event closes the client's stream, so what was held back must come before it.
          if (event.type === 'end') for (const end of enders) end();
          observeSource(event);
          push(event);
          return ready;
        },
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      });
    },
  };
}
