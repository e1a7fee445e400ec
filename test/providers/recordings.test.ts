import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import { openaiChat, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { recordedProviders, recordingsMissing } from '../recordings.ts';
import { type Facts, factsOf } from './native-facts.ts';
import { type Case, failureIn, foreign, json, recordedCases, replayed } from './recorded-cases.ts';
import { type ReplayGateway, replayGateway } from './replay-gateway.ts';

type Endpoint = 'chat' | 'responses';

let gateway: ReplayGateway;
let client: OpenAI;

before(async () => {
  if (recordingsMissing !== false) return;
  gateway = await replayGateway('routes/openai');
  client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-of-the-client', maxRetries: 0 });
});

after(() => gateway?.close());

test('gives every recorded chat through chat completions and responses as its provider meant it', {
  skip: recordingsMissing,
  timeout: 300_000,
}, async (t) => {
  const rows: string[] = [];
  const failures: string[] = [];
  for (const provider of recordedProviders()) {
    const cases = recordedCases(provider);
    for (const endpoint of ['chat', 'responses'] as const) {
      const servable = cases.filter((one) => isServable(one, endpoint));
      let equal = 0;
      for (const one of servable) {
        const difference = await differenceOf(one, endpoint);
        if (difference === undefined) equal += 1;
        else failures.push(`${endpoint} ${one.name}: ${difference}`);
      }
      if (servable.length > 0) {
        const streams = servable.filter(({ streamed }) => streamed).length;
        rows.push(
          `${provider.padEnd(12)} ${endpoint.padEnd(10)} checked ${String(servable.length).padStart(4)} (${streams} streams)  equal ${equal}`,
        );
      }
    }
  }
  for (const row of rows) t.diagnostic(row);
  assert.deepEqual(failures, []);
});

/** Where a provider has the endpoint itself, only what was recorded at that endpoint can be replayed. */
function isServable({ format, provider }: Case, endpoint: Endpoint): boolean {
  if (format === 'responses') return endpoint === 'responses' && (provider === 'openai' || provider === 'azure');
  return true;
}

async function differenceOf(one: Case, endpoint: Endpoint): Promise<string | undefined> {
  gateway.upstream.always(replayed(one));
  const failure = failureIn(one);
  try {
    const actual = endpoint === 'chat' ? await askChat(one) : await askResponses(one);
    assert.deepEqual(actual, expectedAt(one.expected, endpoint));
    return undefined;
  } catch (error) {
    if (failure !== undefined && error instanceof OpenAI.APIError && error.message.includes(failure)) return undefined;
    return (error as Error).message.replace(/^Expected values.*?\n/, '').slice(0, 700);
  }
}

/** A response cannot say that it ended with calls, nor a chat that it failed: there it is at least incomplete. */
function expectedAt(facts: Facts, endpoint: Endpoint): Facts {
  if (endpoint === 'chat') return facts.finish === 'failed' ? { ...facts, finish: 'length' } : facts;
  return facts.finish === 'tool_calls' ? { ...facts, finish: 'stop' } : facts;
}

/** These carry a response to an endpoint of their own, where a recorded chat would be no answer. */
const haveResponses = new Set(['openai', 'azure', 'ollama', 'deepseek', 'groq', 'huggingface', 'openrouter']);

function nameOf({ provider, model, format }: Case, endpoint: Endpoint): string {
  // Google was also recorded through its own imitation of OpenAI's format.
  const imitation = format === 'chat' && provider === 'gemini';
  const elsewhere = imitation || (format === 'chat' && endpoint === 'responses' && haveResponses.has(provider));
  return elsewhere ? `chat-only/${model}` : `${provider}/${model}`;
}

/** The recorded request as this endpoint words it. */
function asked(one: Case, dialect: Dialect, endpoint: Endpoint): JsonObject {
  const model = nameOf(one, endpoint);
  const conversation = { ...foreign(one.conversation), choices: 1 };
  const context = { model, stream: one.streamed, capabilities: {}, lost: () => {} };
  return { ...dialect.chat!.encodeRequest(conversation, context), model, stream: one.streamed };
}

async function askChat(one: Case): Promise<Facts> {
  const body = asked(one, openaiChat, 'chat');
  const { completions } = client.chat;
  if (!one.streamed) {
    const whole = (await completions.create(body as never)) as OpenAI.ChatCompletion;
    for (const { message } of whole.choices)
      assert.ok(!Array.isArray(message.content), 'content is a string, as the SDK says');
    return factsOf('chat', json(whole));
  }
  const stream = completions.stream({ ...body, stream_options: { include_usage: true } } as never);
  let reasoning = '';
  let usage: unknown;
  stream.on('chunk', (chunk) => {
    // The helper forgets usage when a chunk without it follows, as OpenAI's moderation results do.
    usage = chunk.usage ?? usage;
    const delta = chunk.choices[0]?.delta as { reasoning_content?: string; reasoning?: string } | undefined;
    reasoning += delta?.reasoning_content ?? delta?.reasoning ?? '';
  });
  const whole = await stream.finalChatCompletion();
  return { ...factsOf('chat', json({ ...whole, usage })), reasoning };
}

async function askResponses(one: Case): Promise<Facts> {
  const body = asked(one, openaiResponses, 'responses');
  const { responses } = client;
  const whole = one.streamed
    ? await responses.stream(body as never).finalResponse()
    : ((await responses.create(body as never)) as OpenAI.Responses.Response);
  const facts = factsOf('responses', json(whole));
  return facts.finish === 'tool_calls' ? { ...facts, finish: 'stop' } : facts;
}
