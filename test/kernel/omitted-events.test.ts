import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventEnd, eventStart } from '../../kernel/framing/event-search.ts';
import { withoutEvents } from '../../kernel/omitted-events.ts';
import type { Flow, Sink } from '../../plugin-sdk/index.ts';
import { searchFor } from '../../plugin-sdk/json-bytes/index.ts';

const omits = { needles: ['"usage"'], test: ({ data }: { data: string }) => data.endsWith(',"usage"') };

function passed(chunks: readonly Buffer[]): string {
  const out: Buffer[] = [];
  let ended = false;
  const flow: Flow<Buffer> = {
    resume() {},
    abort() {},
    start(sink: Sink<Buffer>) {
      for (const chunk of chunks) sink.push(chunk);
      sink.end();
    },
  };
  withoutEvents(flow, omits, 'provider').start({
    push: (chunk) => out.push(Buffer.from(chunk)) > 0,
    end: () => {
      ended = true;
    },
    fail: assert.fail,
  });
  assert.ok(ended);
  return Buffer.concat(out).toString();
}

const events = [
  'data: ärger',
  'data: 1,"usage"',
  ': a comment "usage"',
  'event: x\ndata: "usage" inside',
  'data: 2,"usage"',
  'data: [DONE]',
];

for (const [style, newline] of [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
] as const) {
  test(`leaves out the events that a plugin omits and no other byte, at every split, with ${style}`, () => {
    const text = (list: readonly string[]): string =>
      list.map((event) => `${event.replaceAll('\n', newline)}${newline}${newline}`).join('');
    const bytes = Buffer.from(text(events));
    const expected = text(events.filter((event) => !event.endsWith(',"usage"')));
    for (let at = 0; at <= bytes.length; at++) {
      assert.equal(passed([bytes.subarray(0, at), bytes.subarray(at)]), expected, `split at ${at}`);
    }
  });
}

test('leaves out an omitted event at the end of a stream that lacks its blank line', () => {
  assert.equal(passed([Buffer.from('data: a\n\ndata: 1,"usage"')]), 'data: a\n\n');
});

test('finds the event around any position, in any style of newline', () => {
  const newline = fc.constantFrom('\n', '\r\n', '\r');
  const event = fc.string({ minLength: 1, maxLength: 12 }).map((text) => `data: ${text.replace(/[\r\n]/g, '.')}`);
  fc.assert(
    fc.property(newline, fc.array(event, { minLength: 1, maxLength: 6 }), fc.nat(), (end, list, seed) => {
      const blocks = list.map((text) => `${text}${end}${end}`);
      const chosen = seed % blocks.length;
      const start = blocks.slice(0, chosen).join('').length;
      const at = start + (seed % list[chosen]!.length);
      const text = blocks.join('');
      assert.equal(eventStart(text, at), start);
      assert.equal(eventEnd(text, at), start + blocks[chosen]!.length);
    }),
  );
});

test('searches for all words at once, as they are written', () => {
  const words = ['"usage":{', '[DONE]', 'a.b'];
  assert.ok(searchFor(words).test('x [DONE]'));
  assert.ok(searchFor(words).test('{"usage":{}'));
  assert.ok(!searchFor(words).test('DONE "usage": 1 axb'));
  assert.equal(searchFor(words), searchFor(words));
});
