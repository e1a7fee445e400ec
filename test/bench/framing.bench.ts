/** Cost of framing per event, in bursts and one event per chunk. Run: `node test/bench/framing.bench.ts`. */
import { EventBoundary } from '../../kernel/framing/boundary.ts';
import { createFramer } from '../../kernel/framing/create-framer.ts';
import type { FramedEvent, FramingId } from '../../plugin-sdk/dialects/dialect.ts';
import { writeAwsEvent } from '../../plugin-sdk/dialects/write-aws-event.ts';
import { bestMicroseconds, report } from './measure.ts';

const count = 200;
const chunk = {
  id: 'chatcmpl-123',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-mini',
  padding: 'y'.repeat(72),
};
const json = JSON.stringify({ ...chunk, choices: [{ index: 0, delta: { content: ' hello' }, finish_reason: null }] });

const openai = `data: ${json}\n\n`;
const anthropic = `event: content_block_delta\ndata: ${json}\n\n`;
const crlf = anthropic.replaceAll('\n', '\r\n');

let seen = 0;
const emit = (event: FramedEvent) => void (seen += event.data.length);

function frames(framing: FramingId, bytes: Buffer, chunkSize = bytes.length): number {
  const framer = createFramer(framing, { provider: 'bench' });
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) chunks.push(bytes.subarray(at, at + chunkSize));
  const push = () => {
    for (const part of chunks) framer.push(part, emit);
  };
  return bestMicroseconds(push) / count;
}

const burst = (event: string | Buffer) => Buffer.concat(Array.from({ length: count }, () => Buffer.from(event)));

report(`sse, ${openai.length}-byte events, burst`, frames('sse', burst(openai)), 'event', 0.5);
report('sse, the same, one event per chunk', frames('sse', burst(openai), openai.length), 'event', 0.5);
report('sse, the same, cut every 100 bytes', frames('sse', burst(openai), 100), 'event');
report('sse with event names, burst', frames('sse', burst(anthropic)), 'event', 0.5);
report('sse with event names and CRLF, burst', frames('sse', burst(crlf)), 'event');
report('ndjson, burst', frames('ndjson', burst(`${json}\n`)), 'event');
report('json-array, burst', frames('json-array', burst(`${json},\n`)), 'event');
report('aws-event-stream, burst', frames('aws-event-stream', burst(writeAwsEvent('contentBlockDelta', json))), 'event');
report(
  'aws-event-stream, cut every 1000 bytes',
  frames('aws-event-stream', burst(writeAwsEvent('x', json)), 1000),
  'event',
);

const boundary = new EventBoundary();
const whole = burst(openai);
report(
  `boundary, ${whole.length}-byte chunk that ends an event`,
  bestMicroseconds(() => boundary.push(whole)),
  'chunk',
);
const front = whole.subarray(0, 20_100);
const back = whole.subarray(20_100);
const halves = bestMicroseconds(() => {
  boundary.push(front);
  boundary.push(back);
});
report('boundary, the same as two chunks cut inside an event', halves, 'two chunks');
