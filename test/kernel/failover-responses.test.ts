import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { startPooled } from '../plugins/pooled-gateway.ts';

const typed = (event: Record<string, unknown>) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const response = (status: string, more = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'm',
  status,
  output: [],
  ...more,
});
const created = typed({ type: 'response.created', sequence_number: 0, response: response('in_progress') });
const inProgress = typed({
  type: 'response.in_progress',
  sequence_number: 1,
  response: response('in_progress'),
});
const lateFailures = {
  'an error event': typed({
    type: 'error',
    sequence_number: 2,
    code: 'rate_limit_exceeded',
    message: 'slow down',
    param: null,
  }),
  'a failed response': typed({
    type: 'response.failed',
    sequence_number: 2,
    response: response('failed', { error: { code: 'server_error', message: 'broken' } }),
  }),
};
for (const [way, failure] of Object.entries(lateFailures)) {
  test(`${way} behind response.created fails over unseen`, async () => {
    await using first = await startUpstream();
    await using second = await startUpstream();
    first.always({ events: [created, inProgress, failure] });
    second.always({
      events: [
        created,
        typed({
          type: 'response.output_text.delta',
          sequence_number: 1,
          item_id: 'i',
          output_index: 0,
          content_index: 0,
          delta: 'second',
        }),
        typed({ type: 'response.completed', sequence_number: 2, response: response('completed') }),
      ],
    });
    await using gateway = await startPooled(
      { openai: first },
      { 'plugins/fallbacks': {}, second: { use: 'providers/openai', ...second.provider() } },
    );
    const reply = await fetch(`${gateway.url}/openai/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', input: 'hi', stream: true, fallbacks: ['second/gpt-4o'] }),
    });
    const text = await reply.text();
    assert.equal(reply.headers.get('x-bf-provider'), 'second', text);
    assert.equal(text.match(/response\.created"/g)!.length, 1);
    assert.match(text, /second[\s\S]*response\.completed/);
  });
}
