import type { FramingId } from '../../plugin-sdk/dialects/dialect.ts';
import { AwsEventStreamFramer } from './aws-event-stream.ts';
import type { Framer, FramerLimits } from './framer.ts';
import { JsonArrayFramer } from './json-array.ts';
import { NdjsonFramer } from './ndjson.ts';
import { SseFramer } from './sse.ts';

export function createFramer(framing: FramingId, limits: FramerLimits): Framer {
  switch (framing) {
    case 'sse':
      return new SseFramer(limits);
    case 'ndjson':
      return new NdjsonFramer(limits);
    case 'json-array':
      return new JsonArrayFramer(limits);
    case 'aws-event-stream':
      return new AwsEventStreamFramer(limits);
  }
}
