import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic, anthropicMessages } from '../../plugin-sdk/dialects/anthropic-messages/index.ts';
import { bedrockConverse } from '../../plugin-sdk/dialects/bedrock-converse/index.ts';
import { GatewayError } from '../../plugin-sdk/errors.ts';

const typeAndStatus = (error: GatewayError): [number, string] => {
  const { status, body } = anthropic.encodeError(error, 'r1');
  return [status, JSON.parse(body).error.type];
};

test('writes an error as Anthropic does, with the request id', () => {
  const { status, body } = anthropic.encodeError(new GatewayError('REQ_MISSING_MODEL', {}), 'r1');
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'The request names no model. Set "model".' },
    request_id: 'r1',
  });
});

test("derives Anthropic's type from the status and keeps the provider's own", () => {
  assert.deepEqual(typeAndStatus(new GatewayError('AUTH_MISSING', {})), [401, 'authentication_error']);
  assert.deepEqual(typeAndStatus(new GatewayError('REQ_TOO_LARGE', { limit: 1 })), [413, 'request_too_large']);
  assert.deepEqual(typeAndStatus(new GatewayError('CLIENT_GONE', {})), [499, 'invalid_request_error']);
  assert.deepEqual(typeAndStatus(new GatewayError('UP_TIMEOUT', { provider: 'p', what: 'nothing', ms: 1 })), [
    504,
    'timeout_error',
  ]);
  assert.deepEqual(typeAndStatus(new GatewayError('ROUTE_NO_TARGET', { model: 'm', reason: 'r' })), [
    503,
    'overloaded_error',
  ]);
  const passed = new GatewayError('UP_STATUS', { message: 'm' }, { status: 529, type: 'overloaded_error' });
  assert.deepEqual(typeAndStatus(passed), [529, 'overloaded_error']);
  const billing = new GatewayError('UP_STATUS', { message: 'm' }, { status: 400, type: 'billing_error' });
  assert.deepEqual(typeAndStatus(billing), [400, 'billing_error']);
});

test('names the event of an error inside a stream', () => {
  const written = String(
    anthropicMessages.encodeStreamError(new GatewayError('UP_STREAM_ERROR', { message: 'm' }), 'r1'),
  );
  assert.match(written, /^event: error\ndata: \{"type":"error",.*\}\n\n$/);
});

test('reads an error body of Anthropic with its code and retry time', () => {
  const body = Buffer.from(
    '{"type":"error","error":{"type":"rate_limit_error","message":"slow","details":{"error_code":"tpm"}},"request_id":"x"}',
  );
  assert.deepEqual(anthropic.decodeError(429, body, ['Retry-After', '3']), {
    status: 429,
    message: 'slow',
    type: 'rate_limit_error',
    code: 'tpm',
    retryAfterMs: 3_000,
  });
  const dated = ['retry-after', 'Wed, 21 Oct 2026 07:28:05 GMT', 'date', 'Wed, 21 Oct 2026 07:28:00 GMT'];
  assert.equal(anthropic.decodeError(529, body, dated).retryAfterMs, 5_000);
});

test('reads the errors of proxies: flat, text, HTML and nothing', () => {
  const message = (body: string): string => anthropic.decodeError(502, Buffer.from(body), []).message;
  assert.equal(message('{"message":"flat"}'), 'flat');
  assert.equal(message('{"error":"word"}'), 'word');
  assert.equal(message('<html><style>b{}</style><body><h1>502</h1> Bad Gateway</body></html>'), '502 Bad Gateway');
  assert.equal(message(''), 'The provider answered with status 502.');
});

test('reads an AWS error by its header, without the address behind the type', () => {
  const headers = ['x-amzn-errortype', 'ThrottlingException:http://internal.amazon.com/coral/'];
  assert.deepEqual(bedrockConverse.decodeError(429, Buffer.from('{"message":"Too many"}'), headers), {
    status: 429,
    message: 'Too many',
    type: 'ThrottlingException',
  });
  const byBody = bedrockConverse.decodeError(
    400,
    Buffer.from('{"__type":"com.amazon#ValidationException","Message":"bad"}'),
    [],
  );
  assert.deepEqual([byBody.type, byBody.message], ['ValidationException', 'bad']);
});

test('writes an error as AWS does', () => {
  const { status, body } = bedrockConverse.encodeError(
    new GatewayError('LIMIT_CONCURRENCY', { account: 'a', limit: 1 }),
    'r',
  );
  assert.deepEqual(
    [status, JSON.parse(body)],
    [429, { message: 'a already runs 1 requests at once.', __type: 'ThrottlingException' }],
  );
});
