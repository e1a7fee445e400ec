import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { geminiGenerateContent, google } from '../../plugin-sdk/dialects/gemini-generate-content/index.ts';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import { recordings, recordingsMissing } from '../recordings.ts';

const read = (status: number, body: unknown, headers: string[] = []) =>
  google.decodeError(status, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), headers);

test('a bad API key, a 400 at Google, is a 401', () => {
  const details = [
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
  ];
  assert.deepEqual(
    read(400, { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details } }),
    {
      status: 401,
      message: 'API key not valid.',
      type: 'INVALID_ARGUMENT',
      code: 'API_KEY_INVALID',
    },
  );
});

test('retryDelay says when to try again', () => {
  const delay = (retryDelay: string) =>
    read(429, {
      error: {
        code: 429,
        message: 'Quota',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'x/google.rpc.RetryInfo', retryDelay }],
      },
    }).retryAfterMs;
  assert.equal(delay('34s'), 34_000);
  assert.equal(delay('0.512s'), 512);
  assert.equal(read(503, { error: { code: 503, message: 'Busy' } }, ['Retry-After', '3']).retryAfterMs, 3_000);
});

test('the list around an error of a stream is taken off', () => {
  assert.deepEqual(read(404, [{ error: { code: 404, message: 'No model', status: 'NOT_FOUND' } }]), {
    status: 404,
    message: 'No model',
    type: 'NOT_FOUND',
  });
});

test('the field at fault is named', () => {
  const details = [
    { '@type': 'x/google.rpc.BadRequest', fieldViolations: [{ field: 'contents[0].parts', description: 'empty' }] },
  ];
  assert.equal(
    read(400, { error: { code: 400, message: 'Bad', status: 'INVALID_ARGUMENT', details } }).param,
    'contents[0].parts',
  );
});

test('errors of token endpoints, plain text and HTML are read', () => {
  assert.deepEqual(read(400, { error: 'invalid_grant', error_description: 'Expired' }), {
    status: 400,
    message: 'Expired',
    code: 'invalid_grant',
  });
  assert.deepEqual(read(502, 'upstream gone'), { status: 502, message: 'upstream gone' });
  assert.deepEqual(read(502, '<html>502</html>'), { status: 502, message: 'Google answered with status 502.' });
});

test('recorded errors are read', { skip: recordingsMissing }, () => {
  let checked = 0;
  for (const { interactions } of [...recordings('gemini'), ...recordings('vertex')]) {
    for (const { response } of interactions) {
      if (response.status < 400) continue;
      const problem = read(response.status, response.bodyText ?? response.body);
      assert.equal(problem.status, response.status);
      assert(problem.message.length > 10 && problem.type !== undefined);
      checked++;
    }
  }
  assert(checked >= 3);
});

test("errors of the gateway have Google's shape", () => {
  const error = new GatewayError('AUTH_UNKNOWN', {});
  const { status, body } = google.encodeError(error, 'req_1');
  assert.equal(status, 401);
  assert.deepEqual(JSON.parse(body), { error: { code: 401, message: error.text, status: 'UNAUTHENTICATED' } });
});

test('a wait is told as RetryInfo', () => {
  const error = new GatewayError('UP_STATUS', { message: 'Busy' }, { status: 429, retryAfterMs: 1_500 });
  const { error: body } = JSON.parse(google.encodeError(error, 'r').body);
  assert.deepEqual(body.details, [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }]);
  assert.equal(read(429, { error: body }).retryAfterMs, 1_500);
});

test("Google's SDK throws the error of a reply and that inside a stream", async () => {
  const error = new GatewayError('UP_STREAM_ERROR', { message: 'Upstream failed' }, { status: 503 });
  const good = 'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"index":0}]}\n\n';
  const server = createServer((request, response) => {
    if (request.url!.includes('stream')) response.end(good + geminiGenerateContent.encodeStreamError(error, 'r'));
    else
      response
        .writeHead(503, { 'content-type': 'application/json' })
        .end(geminiGenerateContent.encodeError(error, 'r').body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { models } = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl } });
    const isUnavailable = (thrown: unknown) =>
      thrown instanceof ApiError && thrown.status === 503 && thrown.message.includes('Upstream failed');
    await assert.rejects(models.generateContent({ model: 'm', contents: 'x' }), isUnavailable);
    const stream = await models.generateContentStream({ model: 'm', contents: 'x' });
    assert.equal((await stream.next()).value?.text, 'Hi');
    await assert.rejects(stream.next(), isUnavailable);
  } finally {
    server.close();
  }
});
