import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  geminiGenerateContent,
  openai,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { bareRequest, noBody } from '../../plugin-sdk/index.ts';
import type { Operation } from '../../plugin-sdk/operations.ts';
import type { Job } from '../../plugin-sdk/ports/jobs.ts';
import { Secret } from '../../plugin-sdk/secret.ts';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { fingerprint } from '../../plugins/async-jobs/fingerprint.ts';
import { kindOf, pendingAnswer } from '../../plugins/async-jobs/kinds.ts';
import { signWebhook } from '../../plugins/async-jobs/webhook-signature.ts';

const kind = (operation: Operation, dialect: Dialect, path: string, method = 'POST') =>
  kindOf({ operation, dialect, request: bareRequest(method, path, noBody) });

test('names the kind of answer that each inference endpoint gives', () => {
  assert.equal(kind('chat', openaiChat, '/chat/completions'), 'chat');
  assert.equal(kind('completions', openai, '/completions'), 'completions');
  assert.equal(kind('chat', anthropicMessages, '/v1/messages'), 'message');
  assert.equal(kind('chat', geminiGenerateContent, '/models/gemini:generateContent'), 'generation');
  assert.equal(kind('responses', openaiResponses, '/responses'), 'responses');
  assert.equal(kind('audio.translation', openai, '/audio/translations'), 'transcription');
  assert.equal(kind('images.edit', openai, '/images/edits'), 'images');
  assert.equal(kind('passthrough', openai, '/v1/chat/completions'), 'chat');
  assert.equal(kind('passthrough', openai, '/v1/something/new'), 'other');
});

test('has no kind for calls that are no inference', () => {
  assert.equal(kind('models', openai, '/models', 'GET'), undefined);
  assert.equal(kind('files', openai, '/files'), undefined);
  assert.equal(kind('batches', openai, '/batches'), undefined);
  assert.equal(kind('responses', openaiResponses, '/responses/compact'), undefined);
  assert.equal(kind('passthrough', openai, '/v1/models', 'GET'), undefined);
});

test('gives an Anthropic message without content while its job waits', () => {
  const job = {
    id: 'job_1',
    state: 'queued',
    createdAt: 0,
    facts: { kind: 'message', model: 'claude' },
  } as unknown as Job;
  assert.deepEqual(pendingAnswer(job), {
    id: 'job_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  });
});

test('takes two tries of one multipart call for the same, whatever their boundary', () => {
  const form = (boundary: string, text: string) => ({
    request: { method: 'POST', path: '/x', body: Buffer.from(`--${boundary}\r\n\r\n${text}\r\n--${boundary}--\r\n`) },
    type: `multipart/form-data; boundary=${boundary}`,
  });
  const print = ({ request, type }: ReturnType<typeof form>) => fingerprint(request, '', type);
  assert.equal(print(form('aaa', 'sound')), print(form('bbbb', 'sound')));
  assert.notEqual(print(form('aaa', 'sound')), print(form('aaa', 'noise')));
});

test('signs as the example of the Standard Webhooks specification', () => {
  const signature = signWebhook(
    new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330,
    '{"test": 2432232314}',
  );
  assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('runs the sample of the documentation on the mock provider', { timeout: 20_000 }, async (t) => {
  const gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/mock': {}, 'plugins/async-jobs': { pollMs: 20 } },
  });
  t.after(() => gateway.close());
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'dummy-key' });
  const request = {
    model: 'mock/gpt-4o-mini',
    messages: [{ role: 'user' as const, content: 'Tell me a short story.' }],
  };
  const initial = await client.chat.completions.create(request, { headers: { 'x-bf-async': 'true' } });
  for (;;) {
    const poll = await client.chat.completions.create(request, { headers: { 'x-bf-async-id': initial.id } });
    if (poll.choices.length > 0) {
      assert.ok(poll.choices[0]?.message.content);
      break;
    }
    await sleep(20);
  }
});
