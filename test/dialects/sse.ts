import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';

/** The events of an SSE text, cut in the plainest way: enough for whole recordings and for what encoders write. */
export function framedEvents(text: string): FramedEvent[] {
  const events: FramedEvent[] = [];
  for (const record of text.split(/\r?\n\r?\n/)) {
    let name: string | undefined;
    const data: string[] = [];
    for (const line of record.split(/\r?\n/)) {
      if (line.startsWith('event:')) name = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
    }
    if (data.length > 0) events.push({ ...(name === undefined ? {} : { name }), data: data.join('\n') });
  }
  return events;
}
