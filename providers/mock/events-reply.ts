import type { Clock, JsonObject, Reply } from '../../plugin-sdk/index.ts';
import { TimedFlow } from './timed-flow.ts';

/** Server-sent events as bytes, for streams that have no typed form. */
export function eventsReply(
  events: readonly { readonly name?: string; readonly value: JsonObject | '[DONE]' }[],
  pace: { readonly chunkDelayMs: number },
  clock: Clock,
): Reply {
  const steps = events.map(({ name, value }, i) => {
    const data = typeof value === 'string' ? value : JSON.stringify(value);
    return {
      item: Buffer.from(`${name === undefined ? '' : `event: ${name}\n`}data: ${data}\n\n`),
      afterMs: i === 0 ? 0 : pace.chunkDelayMs,
    };
  });
  return {
    origin: 'gateway',
    status: 200,
    headers: ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache'],
    body: { type: 'flow', flow: new TimedFlow(steps, clock), events: true },
  };
}
