import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import type { Block, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import {
  type Interaction,
  type RecordedBody,
  recordedProviders,
  recordings,
  recordingsMissing,
} from '../recordings.ts';
import { type Facts, type Format, factsOf, streamFacts } from './native-facts.ts';

const formats: readonly (readonly [path: RegExp, format: Format, dialect: Dialect])[] = [
  [/\/v1\/messages$/, 'anthropic', anthropicMessages],
  [/:(generateContent|streamGenerateContent)$/, 'gemini', geminiGenerateContent],
  [/\/converse(-stream)?$/, 'bedrock', bedrockConverse],
  [/\/v2\/chat$/, 'cohere', cohereChat],
  [/\/chat\/completions$/, 'chat', openaiChat],
  [/\/responses$/, 'responses', openaiResponses],
];

/** A recorded chat with what it takes to ask for it again. */
interface Case {
  readonly name: string;
  readonly provider: string;
  readonly format: Format;
  readonly model: string;
  readonly streamed: boolean;
  readonly expected: Facts;
  readonly conversation: Conversation;
  readonly type: string;
  readonly reply: Buffer;
}

type Endpoint = 'chat' | 'responses';

let upstream: Upstream;
let gateway: RunningGateway;
let client: OpenAI;

before(async () => {
  if (recordingsMissing !== false) return;
  upstream = await startUpstream();
  const at = (more: Record<string, unknown> = {}) => upstream.provider(more);
  const key = (more: Record<string, unknown>) => at({ keys: [{ name: 'main', ...more }] });
  const alike = ['openai', 'groq', 'mistral', 'deepseek', 'cerebras', 'openrouter', 'huggingface', 'ollama'];
  gateway = await startGateway({
    definitions: { 'chat-only': defineOpenAICompatible({ name: 'chat-only' }) },
    plugins: {
      'routes/openai': {},
      'providers/anthropic': at(),
      'providers/gemini': at(),
      'providers/vertex': key({ value: 'ya29.token', project: 'p' }),
      'providers/bedrock': key({ value: 'bedrock-api-key' }),
      'providers/cohere': at(),
      'providers/azure': at(),
      // For chats of providers that have a responses endpoint of their own.
      'chat-only': at(),
      ...Object.fromEntries(alike.map((name) => [`providers/${name}`, at()])),
    },
  });
  client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-of-the-client', maxRetries: 0 });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

test('gives every recorded chat through chat completions and responses as its provider meant it', {
  skip: recordingsMissing,
  timeout: 300_000,
}, async (t) => {
  const rows: string[] = [];
  const failures: string[] = [];
  for (const provider of recordedProviders()) {
    const cases = recordings(provider).flatMap(({ file, interactions }) =>
      interactions.flatMap((interaction, i) => caseOf(`${provider}/${file}#${i}`, provider, interaction) ?? []),
    );
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

function caseOf(name: string, provider: string, { request, response }: Interaction): Case | undefined {
  const { pathname } = new URL(request.url);
  const known = formats.find(([path]) => path.test(pathname));
  if (known === undefined || response.status !== 200) return undefined;
  const [, format, dialect] = known;
  const asked = jsonOf(bytesOf(request));
  const reply = bytesOf(response);
  if (asked === undefined || reply === undefined) return undefined;
  const type = String(response.headers['content-type'] ?? 'application/json');
  const streamed = !type.includes('json');
  const decoded = dialect.chat!.decodeRequest(asked);
  const inPath = /\/models?\/([^/:]+)/.exec(pathname)?.[1];
  const model = decoded.model || decodeURIComponent(inPath ?? 'model');
  const answer = streamed ? undefined : jsonOf(reply);
  if (!streamed && answer === undefined) return undefined;
  const expected = answer === undefined ? streamFacts(format, reply) : factsOf(format, answer);
  return {
    name,
    provider,
    format,
    model,
    streamed,
    expected,
    conversation: { ...decoded, model, stream: streamed },
    type,
    reply,
  };
}

function jsonOf(bytes: Buffer | undefined): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    // Some recordings had their secrets cut out so that no JSON was left.
    return undefined;
  }
}

function bytesOf({ body, bodyText, bodyBase64 }: RecordedBody): Buffer | undefined {
  if (body !== undefined && body !== null) return Buffer.from(JSON.stringify(body));
  if (bodyText !== undefined) return Buffer.from(bodyText);
  return bodyBase64 === undefined ? undefined : Buffer.from(bodyBase64, 'base64');
}

async function differenceOf(one: Case, endpoint: Endpoint): Promise<string | undefined> {
  const { type, reply } = one;
  upstream.always({
    headers: { 'content-type': type },
    ...(one.streamed ? { chunks: pieces(reply) } : { body: reply }),
  });
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

/** Streams that broke off with an error event have to break off with the same error here. */
function failureIn({ streamed, reply }: Case): string | undefined {
  const event = streamed ? /^data: (\{.*"error":\s*\{.*)$/m.exec(reply.toString('utf8'))?.[1] : undefined;
  const error = event === undefined ? undefined : (JSON.parse(event) as JsonObject)['error'];
  return isObject(error) && typeof error['message'] === 'string' ? error['message'] : undefined;
}

/** A response cannot say that it ended with calls, nor a chat that it failed: there it is at least incomplete. */
function expectedAt(facts: Facts, endpoint: Endpoint): Facts {
  if (endpoint === 'chat') return facts.finish === 'failed' ? { ...facts, finish: 'length' } : facts;
  return facts.finish === 'tool_calls' ? { ...facts, finish: 'stop' } : facts;
}

/** A stream as the network may cut it: not where its events end. */
function pieces(bytes: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0, size = 700; at < bytes.length; at += size, size = (size * 7) % 1_931) {
    result.push(bytes.subarray(at, at + (size = Math.max(size, 100))));
  }
  return result;
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

/** What an OpenAI client could have sent: no fields of the format that was recorded, no media that OpenAI's have no word for. */
function foreign(conversation: Conversation): Conversation {
  const text = JSON.stringify(conversation, (name, value) => {
    if (name === 'carry') return undefined;
    return (name === 'blocks' || name === 'content') && Array.isArray(value) ? value.filter(isSayable) : value;
  });
  return JSON.parse(text) as Conversation;
}

function isSayable(block: Block): boolean {
  return block.type !== 'audio' && block.type !== 'video' && !('source' in block && block.source.kind === 'file');
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

function json(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
