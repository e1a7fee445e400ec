import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventReading } from '../../plugin-sdk/dialects/dialect.ts';
import { openai } from '../../plugin-sdk/dialects/openai/index.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { openaiResponses } from '../../plugin-sdk/dialects/openai-responses/index.ts';
import { recordingsMissing } from '../recordings.ts';
import { answerBodies, interactionsAt, streamTexts } from './openai-endpoints.ts';
import { framedEvents } from './sse.ts';

function json(body: unknown) {
  return openaiChat.meter.json(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
}

function readings(dialect: typeof openai, text: string): EventReading[] {
  const read = dialect.meter.stream();
  return framedEvents(text).map((event) => read(event));
}

test('reads usage, model and finish of every recorded answer as a full parse would', {
  skip: recordingsMissing,
}, (t) => {
  let count = 0;
  for (const [dialect, at] of [
    [openaiChat, /chat\/completions$/],
    [openaiResponses, /\/responses$/],
  ] as const) {
    for (const { name, body } of answerBodies(interactionsAt(at))) {
      for (const text of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
        const reading = dialect.meter.json(Buffer.from(text));
        const answer = dialect.chat!.decodeAnswer(body);
        assert.deepEqual(reading.usage, answer.usage, name);
        assert.equal(reading.model, answer.model, name);
        assert.equal(reading.problem, undefined, name);
        if (answer.choices.length === 1 && answer.choices[0]!.finish !== undefined)
          assert.equal(reading.finish, answer.choices[0]!.finish.native, name);
      }
      count++;
    }
  }
  t.diagnostic(`${count} recorded answers metered`);
});

test('reads usage and the end of every recorded stream, and nothing but preamble before content', {
  skip: recordingsMissing,
}, (t) => {
  let count = 0;
  for (const [dialect, at] of [
    [openaiChat, /chat\/completions$/],
    [openaiResponses, /\/responses$/],
  ] as const) {
    for (const { name, text } of streamTexts(interactionsAt(at))) {
      const all = readings(dialect, text);
      const kinds = all.map(({ kind }) => kind);
      const failed = text.includes('"error":{');
      assert.equal(kinds.includes('error'), failed, name);
      assert.equal(kinds[0], 'preamble' === kinds[0] ? 'preamble' : 'content', name);
      if (!failed) {
        assert.equal(kinds.at(-1), 'done', name);
        assert.ok(all.at(-1)!.usage!.output > 0, name);
        assert.ok(all.at(-1)!.finish, name);
      }
      count++;
    }
  }
  t.diagnostic(`${count} recorded streams metered`);
});

test('does not take words about usage in an answer for usage', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const talk = 'set "usage": {"prompt_tokens": 99} \\ and "error": {"message":"x"}';
  assert.deepEqual(json({ usage, choices: [{ message: { content: talk } }] }).usage, { input: 1, output: 2 });
  assert.deepEqual(json({ choices: [{ message: { content: talk } }], usage }).usage, { input: 1, output: 2 });
  assert.equal(json({ choices: [{ message: { content: talk } }] }).usage, undefined);
  assert.equal(json({ choices: [{ message: { content: talk } }] }).problem, undefined);
});

test('does not parse the body around the usage', () => {
  const body = `{"data":[${'0.1,'.repeat(10)} not json at all "usage":{"prompt_tokens":4,"total_tokens":4}}`;
  assert.deepEqual(json(body).usage, { input: 4, output: 0 });
});

test('finds the error in a 200', () => {
  assert.deepEqual(json({ error: { message: 'no credits', code: 402 } }).problem, {
    status: 402,
    message: 'no credits',
    code: '402',
  });
  assert.equal(json({ error: null, choices: [] }).problem, undefined);
});

test('reads the usage of every operation', () => {
  const cases: [object, object][] = [
    [{ usage: { prompt_tokens: 8, total_tokens: 8 } }, { input: 8, output: 0 }],
    [
      {
        usage: {
          input_tokens: 5,
          output_tokens: 7,
          total_tokens: 12,
          input_tokens_details: { text_tokens: 2, image_tokens: 3 },
        },
      },
      { input: 5, output: 7, imageInput: 3 },
    ],
    [
      { text: 'hi', usage: { type: 'duration', seconds: 9 } },
      { input: 0, output: 0, audioSeconds: 9 },
    ],
    [
      {
        text: 'hi',
        usage: {
          type: 'tokens',
          input_tokens: 3,
          output_tokens: 4,
          total_tokens: 7,
          input_token_details: { audio_tokens: 3, text_tokens: 0 },
        },
      },
      { input: 3, output: 4, audioInput: 3 },
    ],
    [
      {
        usage: {
          prompt_tokens: 9,
          completion_tokens: 4,
          total_tokens: 20,
          prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 2 },
          completion_tokens_details: { reasoning_tokens: 3 },
        },
      },
      { input: 9, output: 4, total: 20, cachedInput: 6, cacheWriteInput: 2, reasoning: 3 },
    ],
    [
      { usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_cache_hit_tokens: 5 } },
      { input: 9, output: 4, cachedInput: 5 },
    ],
  ];
  for (const [body, expected] of cases)
    assert.deepEqual(openai.meter.json(Buffer.from(JSON.stringify(body))).usage, expected);
});

test('takes a count below 0 as one that the server does not know', () => {
  const usage = {
    prompt_tokens: -1,
    completion_tokens: 5,
    total_tokens: 4,
    prompt_tokens_details: { cached_tokens: -1 },
  };
  assert.deepEqual(json({ choices: [], usage }).usage, { input: 0, output: 5, total: 4 });
  assert.equal(json({ choices: [], usage: { prompt_tokens: -1, completion_tokens: -1 } }).usage, undefined);
});

test('tells the commit point of a chat stream', () => {
  const chunk = (delta: object) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
  const cases: [string, EventReading['kind']][] = [
    [chunk({ role: 'assistant', content: '' }), 'preamble'],
    [chunk({ role: 'assistant', content: null, tool_calls: [] }), 'preamble'],
    ['data: {"choices":[],"prompt_filter_results":[]}\n\n', 'preamble'],
    [chunk({ content: 'a' }), 'content'],
    [chunk({ reasoning: 'a' }), 'content'],
    [chunk({ tool_calls: [{ index: 0 }] }), 'content'],
    ['data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n', 'content'],
    ['data: {"choices":[{"delta":{"content":"say \\"error\\" now"}}]}\n\n', 'content'],
    ['data: {"error":{"message":"x","code":429}}\n\n', 'error'],
    ['event: error\ndata: {"message":"x"}\n\n', 'error'],
    ['data: [DONE]\n\n', 'done'],
  ];
  for (const [text, kind] of cases) assert.equal(readings(openaiChat, text)[0]!.kind, kind, text);
});

test('tells the commit point of a responses stream', () => {
  const cases: [string, EventReading['kind']][] = [
    ['response.created', 'preamble'],
    ['response.queued', 'preamble'],
    ['response.in_progress', 'preamble'],
    ['response.output_item.added', 'preamble'],
    ['response.content_part.added', 'preamble'],
    ['keepalive', 'preamble'],
    ['response.output_text.delta', 'content'],
    ['response.completed', 'done'],
    ['response.incomplete', 'done'],
    ['response.failed', 'error'],
    ['error', 'error'],
  ];
  for (const [type, kind] of cases) {
    for (const name of [`event: ${type}\n`, '']) {
      assert.equal(readings(openaiResponses, `${name}data: {"type":"${type}","message":"m"}\n\n`)[0]!.kind, kind, type);
    }
  }
});

test('reads the streams of images, transcription and speech', () => {
  const usage = { input_tokens: 1, output_tokens: 2, total_tokens: 3 };
  for (const [part, last] of [
    ['image_generation.partial_image', 'image_generation.completed'],
    ['transcript.text.delta', 'transcript.text.done'],
    ['speech.audio.delta', 'speech.audio.done'],
  ]) {
    const text = `data: {"type":"${part}","delta":"x"}\n\ndata: ${JSON.stringify({ type: last, usage })}\n\n`;
    assert.deepEqual(readings(openai, text), [{ kind: 'content' }, { kind: 'done', usage: { input: 1, output: 2 } }]);
  }
});
