import { createFramer } from '../../kernel/framing/create-framer.ts';
import type { FramedEvent, FramingId } from '../../plugin-sdk/dialects/dialect.ts';

/** The events of a stream that arrives in pieces cut at `cuts` (byte offsets), as the kernel's own framer reads them. */
export function eventsOf(framing: FramingId, bytes: Buffer, cuts: readonly number[] = []): FramedEvent[] {
  const framer = createFramer(framing, { provider: 'test' });
  const events: FramedEvent[] = [];
  const emit = (event: FramedEvent): void => void events.push(event);
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) framer.push(bytes.subarray(places[i - 1], places[i]), emit);
  framer.end(emit);
  return events;
}
