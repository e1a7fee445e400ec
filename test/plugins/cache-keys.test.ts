import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openaiChat } from '../../plugin-sdk/dialects/index.ts';
import {
  BytesBody,
  type Caller,
  callerSlot,
  type Exchange,
  GatewayRequest,
  type Host,
  RequestHeaders,
} from '../../plugin-sdk/index.ts';
import { keyOf } from '../../plugins/cache/key.ts';
import { cacheOptions } from '../../plugins/cache/options.ts';

interface Asked {
  readonly caller: string;
  readonly model: string;
  readonly provider?: string;
  readonly namespace: string;
  readonly headers: readonly string[];
  /** The body as JSON text. */
  readonly text: string;
}

const provider = { baseUrl: 'https://api.example' };
const context = {
  host: {
    providers: new Map([
      ['openai', provider],
      ['azure', provider],
      ['vllm', provider],
    ]),
  } as unknown as Host,
  options: cacheOptions.parse({}),
  ignoredHeaders: new Set<string>(),
  version: 'v1',
};

function keyFor({ caller, model, provider = 'openai', namespace, headers, text }: Asked): string | undefined {
  const body = new BytesBody(Buffer.from(text), 'application/json');
  const request = new GatewayRequest(
    'POST',
    '/chat/completions',
    '',
    new RequestHeaders(['content-type', 'application/json', ...headers]),
    body,
  );
  const exchange = {
    operation: 'chat',
    dialect: openaiChat,
    route: {},
    defaultProvider: 'openai',
    targets: [{ provider, model }],
    request,
    get: (slot: unknown) => (slot === callerSlot ? ({ id: caller, kind: 'virtual-key' } satisfies Caller) : undefined),
    conversation: () => openaiChat.chat!.decodeRequest(body.json()),
  } as unknown as Exchange;
  return keyOf(exchange, namespace, context)?.key;
}

const base: Omit<Asked, 'text'> = { caller: 'vk-1', model: 'gpt-4o', namespace: '', headers: [] };
const keyOfBody = (body: object, more: Partial<Asked> = {}): string | undefined =>
  keyFor({ ...base, text: JSON.stringify(body), ...more });

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'binary' });
const image = fc.uint8Array({ minLength: 4, maxLength: 24 }).map((bytes) => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` },
}));
const message = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'system', 'assistant'), content: text }),
  fc.record({
    role: fc.constant('user'),
    content: fc.array(
      fc.oneof(
        text.map((one) => ({ type: 'text', text: one })),
        image,
      ),
      { minLength: 1, maxLength: 2 },
    ),
  }),
);
const tool = fc.record({
  type: fc.constant('function'),
  function: fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    parameters: fc.constantFrom({ type: 'object' }, { type: 'object', properties: { x: { type: 'string' } } }),
  }),
});
const body = fc.record(
  {
    model: fc.constant('gpt-4o'),
    messages: fc.array(message, { minLength: 1, maxLength: 3 }),
    tools: fc.array(tool, { minLength: 1, maxLength: 2 }),
    temperature: fc.constantFrom(0, 0.2, 0.7, 1.5),
    top_p: fc.constantFrom(0.1, 0.9),
    seed: fc.integer(),
    max_tokens: fc.integer({ min: 1, max: 4_096 }),
    stop: fc.constantFrom('x', ['x', 'y']),
    response_format: fc.constantFrom(
      { type: 'json_object' },
      { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
    ),
  },
  { requiredKeys: ['model', 'messages'] },
);
const asked = fc.record({
  caller: fc.constantFrom('vk-1', 'vk-2', 'vk-3'),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini'),
  provider: fc.constantFrom('openai', 'azure'),
  namespace: fc.constantFrom('', 'n'),
  headers: fc.constantFrom<string[]>(
    [],
    ['openai-beta', 'x=1'],
    ['x-bf-eh-tenant', 'a'],
    ['authorization', 'Bearer sk-other'],
  ),
  body,
});

test('of 10,000 pairs that differ in anything that matters, none has one key', () => {
  const seen = new Map<string, string>();
  const runs = { numRuns: 10_000 };
  fc.assert(
    fc.property(asked, ({ body: json, ...rest }) => {
      const key = keyFor({ ...base, ...rest, text: JSON.stringify(json) })!;
      const meaning = JSON.stringify([rest, sortedKeys(json)]);
      assert.equal(seen.get(key) ?? meaning, meaning);
      seen.set(key, meaning);
    }),
    runs,
  );
  fc.assert(
    fc.property(asked, fc.nat(), (one, change) => {
      const other = changed(one as Parameters<typeof changed>[0], change);
      const [first, second] = [one, other].map(({ body: json, ...rest }) =>
        keyFor({ ...base, ...rest, text: JSON.stringify(json) }),
      );
      assert.ok(first !== undefined && second !== undefined);
      assert.notEqual(first, second);
    }),
    runs,
  );
});

/** The same request but for one thing that matters. */
function changed(
  one: {
    caller: string;
    model: string;
    provider: string;
    namespace: string;
    headers: string[];
    body: Record<string, unknown>;
  },
  change: number,
): typeof one {
  const json = structuredClone(one.body) as { messages: { content: unknown }[]; [name: string]: unknown };
  const changes: (() => typeof one)[] = [
    () => ({ ...one, caller: `${one.caller}x` }),
    () => ({ ...one, model: `${one.model}x` }),
    () => ({ ...one, provider: 'vllm' }),
    () => ({ ...one, namespace: `${one.namespace}x` }),
    () => ({ ...one, headers: [...one.headers, 'openai-organization', 'o'] }),
    () => ({ ...one, headers: [...one.headers, 'x-api-key', 'mine'] }),
    () => ({ ...one, body: { ...json, seed: Number(json['seed'] ?? 0) + 1 } }),
    () => ({ ...one, body: { ...json, temperature: Number(json['temperature'] ?? 0) + 0.01 } }),
    () => ({
      ...one,
      body: {
        ...json,
        tools: [...((json['tools'] as unknown[]) ?? []), { type: 'function', function: { name: 'z' } }],
      },
    }),
    () => ({
      ...one,
      body: {
        ...json,
        response_format: { type: 'json_schema', json_schema: { name: 'b', schema: { type: 'string' } } },
      },
    }),
    () => ({ ...one, body: { ...json, messages: [...json.messages, { role: 'user', content: '' }] } }),
    () => {
      const last = json.messages.at(-1)!;
      const { content } = last;
      if (typeof content === 'string') last.content = `${content} `;
      else {
        const part = (content as { type: string; text: string; image_url: { url: string } }[])[0]!;
        if (part.type === 'text') part.text += '!';
        else
          part.image_url.url = part.image_url.url.replace(
            /base64,(.)/,
            (_, first: string) => `base64,${first === 'A' ? 'B' : 'A'}`,
          );
      }
      return { ...one, body: json };
    },
  ];
  return changes[change % changes.length]!();
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sortedKeys(one)]),
  );
}

test('keys reordered, space between, defaults spelled out and tags changed give one key', () => {
  fc.assert(
    fc.property(body, fc.string(), (json, user) => {
      const key = keyOfBody(json);
      const reversed = (value: unknown): unknown =>
        Array.isArray(value)
          ? value.map(reversed)
          : typeof value === 'object' && value !== null
            ? Object.fromEntries(
                Object.entries(value)
                  .reverse()
                  .map(([name, one]) => [name, reversed(one)]),
              )
            : value;
      assert.equal(keyFor({ ...base, text: JSON.stringify(reversed(json), undefined, 3) }), key);
      const spelled = {
        n: 1,
        temperature: 1,
        top_p: 1,
        presence_penalty: 0,
        stream: true,
        logprobs: null,
        user,
        metadata: { a: user },
        ...json,
      };
      assert.equal(keyOfBody(spelled), key);
      assert.equal(
        keyOfBody(
          { ...json, stream: true, stream_options: { include_usage: true } },
          { headers: ['user-agent', user.replace(/\W/g, ''), 'x-stainless-os', 'Linux', 'traceparent', '00-1'] },
        ),
        key,
      );
    }),
    { numRuns: 500 },
  );
});

test('what only one vendor takes as its default is not taken as that of another', () => {
  const plain = { messages: [{ role: 'user', content: 'x' }] };
  assert.equal(keyOfBody({ ...plain, temperature: 1 }), keyOfBody(plain));
  assert.notEqual(
    keyOfBody({ ...plain, temperature: 1 }, { provider: 'vllm' }),
    keyOfBody(plain, { provider: 'vllm' }),
  );
});

test('a request that two readers may read differently has no key', () => {
  const messages = '"messages":[{"role":"user","content":"x"}]';
  for (const odd of [
    `{${messages},"seed":1,"seed":2}`,
    `{${messages},"seed":9007199254740993}`,
    `{"messages":[{"role":"user","role":"system","content":"\\"x:y\\""}]}`,
  ]) {
    assert.equal(keyFor({ ...base, text: odd }), undefined);
  }
  assert.ok(keyFor({ ...base, text: `{"messages":[{"role":"user","content":"a \\"b\\": c \\\\"}],"seed":1}` }));
  assert.notEqual(
    keyFor({ ...base, text: `{"messages":[{"role":"user","content":"\\ud800"}]}` }),
    keyFor({ ...base, text: `{"messages":[{"role":"user","content":"\\ud801"}]}` }),
  );
});
