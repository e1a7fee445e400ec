import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { openai } from '../../plugin-sdk/dialects/openai/index.ts';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import { recordingsMissing } from '../recordings.ts';
import { interactionsAt } from './openai-endpoints.ts';
import { serving } from './served-stream.ts';

function decode(status: number, body: unknown, headers: string[] = []) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return openai.decodeError(status, Buffer.from(text), headers);
}

test('writes message with hint, type, param and code, and nothing else', () => {
  const error = new GatewayError('REQ_MISSING_MODEL', {}, { param: 'model' });
  const { status, body } = openai.encodeError(error, 'r');
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), {
    error: {
      message: 'The request names no model. Set "model".',
      type: 'invalid_request_error',
      param: 'model',
      code: 'missing_required_parameter',
    },
  });
});

test('writes param and code as null when there are none', () => {
  const { body } = openai.encodeError(new GatewayError('REQ_INVALID', { reason: 'No.' }), 'r');
  assert.deepEqual(JSON.parse(body), {
    error: { message: 'No.', type: 'invalid_request_error', param: null, code: null },
  });
});

test('writes an error inside a stream so that the SDK throws it', async () => {
  const text = String(openai.encodeStreamError(new GatewayError('UP_STREAM_CUT', { provider: 'acme' }), 'r'));
  assert.doesNotMatch(text, /\[DONE\]/);
  await serving(text, 'text/event-stream', async (baseURL) => {
    const client = new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 });
    for (const stream of [
      await client.chat.completions.create({ model: 'm', messages: [], stream: true }),
      await client.responses.create({ model: 'm', input: 'x', stream: true }),
    ]) {
      await assert.rejects(async () => {
        for await (const _ of stream);
      }, /acme ended the stream|upstream_stream_cut/);
    }
  });
});

test('reads every shape of error body that providers send', () => {
  const cases: [unknown, object][] = [
    [{ error: { message: 'm', type: 't', param: 'p', code: 'c' } }, { message: 'm', type: 't', param: 'p', code: 'c' }],
    [{ error: { message: 'm', code: 42, param: null } }, { message: 'm', code: '42' }],
    [{ error: 'words' }, { message: 'words' }],
    [
      { code: 'c', error: 'words' },
      { message: 'words', code: 'c' },
    ],
    [
      { object: 'error', message: 'm', type: 't', param: null, code: 3051 },
      { message: 'm', type: 't', code: '3051' },
    ],
    [{ message: 'm' }, { message: 'm' }],
    [{ detail: 'm' }, { message: 'm' }],
    [
      { detail: [{ loc: ['body', 'model'], msg: 'field required', type: 'missing' }] },
      { message: 'body.model: field required' },
    ],
    [[{ error: { message: 'm', code: 400 } }], { message: 'm', code: '400' }],
    ['plain words', { message: 'plain words' }],
    [
      '<!DOCTYPE html><html><head><title>Bad Gateway</title></head></html>',
      { message: 'The provider answered 418 with a web page: Bad Gateway' },
    ],
    ['', { message: 'The provider answered 418 without a body.' }],
  ];
  for (const [body, expected] of cases) assert.deepEqual(decode(418, body), { status: 418, ...expected });
});

test('reads when to try again from retry-after-ms, seconds or a date', () => {
  assert.equal(decode(429, '', ['Retry-After-Ms', '150', 'retry-after', '9']).retryAfterMs, 150);
  assert.equal(decode(429, '', ['Retry-After', '2']).retryAfterMs, 2_000);
  const later = decode(429, '', ['retry-after', new Date(Date.now() + 60_000).toUTCString()]).retryAfterMs!;
  assert.ok(later > 50_000 && later <= 60_000);
  assert.equal('retryAfterMs' in decode(429, '', ['retry-after', 'soon']), false);
});

test('reads every recorded error body', { skip: recordingsMissing }, (t) => {
  const errors = interactionsAt(/chat\/completions$|\/responses$/).filter(
    ({ interaction }) => interaction.response.status >= 400,
  );
  for (const { name, interaction } of errors) {
    const { status, body } = interaction.response;
    const said = (body as { error: { message: string } }).error.message;
    const problem = decode(status, body);
    assert.deepEqual([problem.status, problem.message], [status, said], name);
    assert.equal(typeof (problem.code ?? ''), 'string');
  }
  t.diagnostic(`${errors.length} recorded errors read`);
});
