import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropicMessages, openaiCompletions } from '../../plugin-sdk/dialects/index.ts';
import type { AnswerEvent } from '../../plugin-sdk/index.ts';

const codec = openaiCompletions.chat!;
const context = (conversation: ReturnType<typeof codec.decodeRequest>) => ({
  requestId: 'req_1',
  model: 'gpt-3.5-turbo-instruct',
  conversation,
  now: 1_700_000_000,
});
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

test('reads a prompt as one user message, with the settings that chat has too', () => {
  const conversation = codec.decodeRequest({
    model: 'm',
    prompt: ['Say hi'],
    max_tokens: 5,
    stop: 'END',
    temperature: 0,
  });
  assert.deepEqual(
    conversation.messages.map(({ role, blocks }) => ({ role, blocks })),
    [{ role: 'user', blocks: [{ type: 'text', text: 'Say hi' }] }],
  );
  assert.deepEqual(
    [conversation.maxOutputTokens, conversation.stop, conversation.sampling],
    [5, ['END'], { temperature: 0 }],
  );
});

for (const prompt of [undefined, [1, 2], [[1], [2]], ['a', 'b'], []]) {
  test(`refuses ${JSON.stringify(prompt)} as a prompt`, () => {
    assert.throws(() => codec.decodeRequest(prompt === undefined ? { model: 'm' } : { model: 'm', prompt }), {
      code: 'REQ_INVALID',
      param: 'prompt',
    });
  });
}

test('writes a request back, and names what a chat cannot do', () => {
  const body = { model: 'm', prompt: 'Say hi', suffix: '!', echo: true, max_tokens: 5 };
  const conversation = codec.decodeRequest(body);
  const lost: string[] = [];
  const encoding = { model: 'm', stream: false, capabilities: {}, lost: (path: string) => lost.push(path) };
  assert.deepEqual(codec.encodeRequest(conversation, encoding), body);
  assert.deepEqual(lost, []);
  anthropicMessages.chat!.encodeRequest(conversation, { ...encoding, model: 'claude-sonnet-4-5' });
  assert.deepEqual(lost, ['suffix', 'echo']);
});

test('gives an answer back as it was', () => {
  const body = {
    id: 'cmpl-req_1',
    object: 'text_completion',
    created: 1_700_000_000,
    model: 'm',
    choices: [{ text: 'Hi', index: 0, logprobs: null, finish_reason: 'length' }],
  };
  const answer = codec.decodeAnswer({ ...body, usage });
  const { usage: written, ...rest } = codec.encodeAnswer(answer, context(codec.decodeRequest({ prompt: 'x' })));
  assert.deepEqual(rest, body);
  assert.equal((written as { total_tokens: number }).total_tokens, 5);
});

test('gives a stream back chunk for chunk, with usage for those who asked', () => {
  const chunk = (text: string, finish_reason: string | null = null) => ({
    id: 'cmpl-req_1',
    object: 'text_completion',
    created: 1_700_000_000,
    model: 'm',
    choices: [{ text, index: 0, logprobs: null, finish_reason }],
  });
  const chunks = [chunk('He'), chunk('llo'), chunk('', 'stop')];
  for (const include_usage of [true, false]) {
    const encoder = codec.encodeStream(
      context(codec.decodeRequest({ prompt: 'x', stream_options: { include_usage } })),
    );
    const decoder = codec.decodeStream();
    let written = '';
    const emit = (event: AnswerEvent): void => void (written += encoder.event(event));
    for (const one of [...chunks, { ...chunk(''), choices: [], usage }])
      decoder.event({ data: JSON.stringify(one) }, emit);
    decoder.event({ data: '[DONE]' }, emit);
    decoder.end(emit);
    const events = written
      .trim()
      .split('\n\n')
      .map((record) => record.slice('data: '.length));
    assert.equal(events.pop(), '[DONE]');
    if (include_usage) assert.equal(JSON.parse(events.pop()!).usage.total_tokens, 5);
    assert.deepEqual(
      events
        .map((event) => JSON.parse(event))
        .filter(({ choices }) => choices[0].text !== '' || choices[0].finish_reason),
      chunks,
    );
  }
});
