import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openai,
  openaiChat,
  openaiCompletions,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { BytesBody, type Exchange, GatewayRequest, RequestHeaders } from '../../plugin-sdk/index.ts';
import { limitOutput, mayLimitOutput } from '../../plugins/governance/output-limit.ts';

function limited(dialect: Dialect, text: string): string {
  const body = new BytesBody(Buffer.from(text), 'application/json');
  const request = new GatewayRequest('POST', '/x', '', new RequestHeaders([]), body);
  const exchange = { dialect } as Exchange;
  assert.equal(mayLimitOutput(request, exchange), true);
  const { body: sent } = limitOutput(request, exchange, 500);
  assert.ok(sent.kind === 'bytes');
  return sent.bytes.toString();
}

const cases: [Dialect, string, string][] = [
  [openaiChat, '{ "model": "m" }', '{ "model": "m","max_completion_tokens":500 }'],
  [openaiChat, '{"max_tokens":null,"n":2}', '{"max_tokens":500,"n":2}'],
  [openaiResponses, '{"input":"hi"}', '{"input":"hi","max_output_tokens":500}'],
  [openaiCompletions, '{"prompt":"hi"}', '{"prompt":"hi","max_tokens":500}'],
  [anthropicMessages, '{}', '{"max_tokens":500}'],
  [cohereChat, '{"model":"m"}', '{"model":"m","max_tokens":500}'],
  [geminiGenerateContent, '{"contents":[]}', '{"contents":[],"generationConfig":{"maxOutputTokens":500}}'],
  [
    geminiGenerateContent,
    '{"generationConfig":{ "temperature": 1e0 },"contents":[]}',
    '{"generationConfig":{ "temperature": 1e0,"maxOutputTokens":500 },"contents":[]}',
  ],
  [
    geminiGenerateContent,
    '{"generation_config":{"temperature":1}}',
    '{"generation_config":{"temperature":1,"maxOutputTokens":500}}',
  ],
  [geminiGenerateContent, '{"generationConfig":null}', '{"generationConfig":{"maxOutputTokens":500}}'],
  [bedrockConverse, '{"messages":[]}', '{"messages":[],"inferenceConfig":{"maxTokens":500}}'],
];

for (const [dialect, sent, expected] of cases) {
  test(`states the limit in ${dialect.id}: ${expected}`, () => assert.equal(limited(dialect, sent), expected));
}

test('states no limit in a call whose format is not known', () => {
  const request = new GatewayRequest(
    'POST',
    '/x',
    '',
    new RequestHeaders([]),
    new BytesBody(Buffer.from('{}'), 'application/json'),
  );
  assert.equal(mayLimitOutput(request, { dialect: openai } as Exchange), false);
});
