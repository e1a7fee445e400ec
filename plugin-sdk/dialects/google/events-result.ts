import type { Usage } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import type { AdaptedResult } from '../../provider.ts';

/** A reply that was whole as the stream that the client asked for: OpenAI's events, each named by its `type`. */
export function eventsResult(events: readonly JsonObject[], usage: Usage): AdaptedResult {
  const text = events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  return { bytes: Buffer.from(text), contentType: 'text/event-stream; charset=utf-8', usage };
}
