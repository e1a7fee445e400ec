import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type OpenAI from 'openai';
import {
  type RunningGateway,
  type StartOptions,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';
import { embeddingOf, intents } from './embedding-upstream.ts';

interface Semantic extends RunningGateway {
  readonly upstream: Upstream;
  readonly chats: () => number;
  ask(question: string | object[], more?: object, headers?: Record<string, string>): Promise<Asked>;
}

interface Asked {
  readonly cache: string | null;
  readonly similarity: number;
  readonly status: number;
  readonly answer: string | undefined;
}

/** `shared`: an upstream that outlives the gateway. */
async function semantic(
  options: Record<string, unknown> = {},
  more: StartOptions = {},
  shared?: Upstream,
): Promise<Semantic> {
  const upstream = shared ?? (await startUpstream());
  upstream.always((seen) => {
    const json = seen.json as { input?: string; messages?: { content: string }[] };
    if (json.input !== undefined) {
      const data = [{ object: 'embedding', index: 0, embedding: embeddingOf(json.input) }];
      return { json: { object: 'list', data, model: 'e', usage: { prompt_tokens: 4, total_tokens: 4 } } };
    }
    return { json: completion(`answer to: ${JSON.stringify(json.messages?.at(-1)?.content)}`) };
  });
  const gateway = await startGateway({
    ...more,
    plugins: {
      'routes/openai': {},
      'plugins/key-pool': {},
      'providers/openai': upstream.provider(),
      'plugins/cache': { maxEntries: 10_000 },
      'plugins/semantic-cache': { timeLimitMs: 5_000, ...options },
      ...more.plugins,
    },
  });
  const close = async (): Promise<void> => {
    await gateway.close();
    if (shared === undefined) await upstream.close();
  };
  return {
    ...gateway,
    upstream,
    chats: () => upstream.requests.filter(({ url }) => url.endsWith('/chat/completions')).length,
    close,
    [Symbol.asyncDispose]: close,
    async ask(question, body = {}, headers = {}) {
      const messages = typeof question === 'string' ? [{ role: 'user', content: question }] : question;
      const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer sk-caller', ...headers },
        body: JSON.stringify({ model: 'gpt-4o', messages, ...body }),
      });
      const text = await response.text();
      const json = response.ok && text.startsWith('{') ? (JSON.parse(text) as OpenAI.ChatCompletion) : undefined;
      return {
        cache: response.headers.get('x-bf-cache'),
        similarity: Number(response.headers.get('x-bf-cache-similarity')),
        status: response.status,
        answer: json === undefined ? text : json.choices[0]!.message.content!,
      };
    },
  };
}

function completion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o',
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  };
}

/** The vector of an entry is kept a moment after the entry. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 250));

test('answers a question that means the same, and says how near it was', async () => {
  await using gateway = await semantic();
  const first = await gateway.ask('How do I renew my passport?');
  assert.equal(first.cache, 'miss');
  await settled();
  const second = await gateway.ask('Please tell me how I can prolong the passport');
  assert.equal(second.cache, 'semantic-hit');
  assert.ok(second.similarity > 0.99);
  assert.equal(second.answer, first.answer);
  const other = await gateway.ask('How do I sell my piano?');
  assert.equal(other.cache, 'miss');
  const streamed = await gateway.ask('What is the way to renew a passport?', { stream: true });
  assert.equal(streamed.cache, 'semantic-hit');
  assert.match(streamed.answer!, /data: \[DONE\]\n\n$/);
  assert.equal(gateway.chats(), 2);
});

test('finds paraphrases among 100 meanings and mistakes none for another', async () => {
  await using gateway = await semantic();
  const all = intents();
  const answers = new Map<string, string>();
  for (const { first } of all) answers.set(first, (await gateway.ask(first)).answer!);
  await settled();
  let found = 0;
  let right = 0;
  let asked = 0;
  for (const { first, paraphrases } of all) {
    for (const paraphrase of paraphrases) {
      asked += 1;
      const { cache, answer } = await gateway.ask(paraphrase, {}, { 'x-bf-cache-no-store': 'true' });
      if (cache !== 'semantic-hit') continue;
      found += 1;
      if (answer === answers.get(first)) right += 1;
    }
  }
  assert.equal(right, found, `precision ${right / found}`);
  assert.ok(found / asked >= 0.95, `recall ${found / asked}`);
});

test('never answers across callers, parameters, history, attachments or numbers', async () => {
  await using gateway = await semantic();
  const question = 'How do I renew my passport in 10 days?';
  await gateway.ask(question);
  await settled();
  const alike = 'Tell me how to prolong a passport in 10 days';
  assert.equal((await gateway.ask(alike, {}, { 'x-bf-cache-no-store': 'true' })).cache, 'semantic-hit');
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
  const tools = [{ type: 'function', function: { name: 'a' } }];
  const different: [string | object[], object?, Record<string, string>?][] = [
    [alike, {}, { authorization: 'Bearer sk-other' }],
    [alike, {}, { 'x-bf-cache-key': 'elsewhere' }],
    [alike, {}, { 'openai-organization': 'org' }],
    [alike, { model: 'gpt-4o-mini' }],
    [alike, { temperature: 0 }],
    [alike, { temperature: 1.4 }],
    [alike, { seed: 1 }],
    [alike, { tools }],
    [alike, { response_format: { type: 'json_object' } }],
    [alike.replace('10', '20')],
    [
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: alike },
      ],
    ],
    [
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
        { role: 'user', content: alike },
      ],
    ],
    [[{ role: 'user', content: [{ type: 'text', text: alike }, image] }]],
  ];
  for (const [messages, body, headers] of different) {
    const { cache } = await gateway.ask(messages, body, { 'x-bf-cache-no-store': 'true', ...headers });
    assert.equal(cache, 'miss', JSON.stringify([messages, body, headers]));
  }
});

test('obeys the type and the threshold that a request names', async () => {
  await using gateway = await semantic();
  await gateway.ask('How do I renew my passport?');
  await settled();
  const alike = 'How do I renew my old passport?';
  const askWith = async (headers: Record<string, string>) =>
    (await gateway.ask(alike, {}, { 'x-bf-cache-no-store': 'true', ...headers })).cache;
  assert.equal(await askWith({ 'x-bf-cache-threshold': '0.7', 'x-bf-cache-type': 'direct' }), 'miss');
  assert.equal(await askWith({ 'x-bf-cache-threshold': '0.7' }), 'semantic-hit');
  assert.equal(await askWith({ 'x-bf-cache-threshold': '0.99' }), 'miss');
  assert.equal(
    (await gateway.ask('How do I renew my passport?', {}, { 'x-bf-cache-type': 'semantic' })).cache,
    'semantic-hit',
  );
});

test('leaves out long conversations and compares history by meaning where asked to', async () => {
  await using gateway = await semantic({ history: 'embedded', systemPrompt: 'ignored', historyThreshold: 2 });
  const turn = (user: string) => [
    { role: 'user', content: user },
    { role: 'assistant', content: 'Good.' },
  ];
  const last = { role: 'user', content: 'How do I extend my car?' };
  await gateway.ask([{ role: 'system', content: 'Be brief.' }, ...turn('I buy a laptop'), last]);
  await settled();
  assert.equal(
    (await gateway.ask([{ role: 'system', content: 'Be long.' }, ...turn('I purchase a notebook'), last])).cache,
    'semantic-hit',
  );
  const embeddings = () => gateway.upstream.requests.filter(({ url }) => url.endsWith('/embeddings')).length;
  const before = embeddings();
  assert.equal((await gateway.ask([...turn('a'), ...turn('b'), last])).cache, 'miss');
  assert.equal(embeddings(), before);
});

test('a slow or failing embedding costs the time limit and nothing else', async () => {
  await using gateway = await semantic({ timeLimitMs: 80 });
  gateway.upstream.always((seen) =>
    seen.url.endsWith('/embeddings') ? { json: {}, delayMs: 1_000 } : { json: completion('prompt') },
  );
  const started = performance.now();
  assert.equal((await gateway.ask('How do I sell my car?')).answer, 'prompt');
  assert.ok(performance.now() - started < 700);
  gateway.upstream.always((seen) =>
    seen.url.endsWith('/embeddings')
      ? { status: 400, json: { error: { message: 'no' } } }
      : { json: completion('still') },
  );
  assert.equal((await gateway.ask('How do I sell my boat?')).answer, 'still');
});

test("an embedding is the caller's call, recorded under the request that needed it", async () => {
  await using gateway = await semantic({}, { plugins: { 'plugins/records': { flushMs: 5 }, 'plugins/pricing': {} } });
  await gateway.ask('How do I sell my car?');
  await settled();
  const response = await fetch(`${gateway.url}/api/records?order=asc`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  const { records } = (await response.json()) as {
    records: { id: string; operation: string; cost: unknown; links: { parent?: string } }[];
  };
  const chat = records.find(({ operation }) => operation === 'chat')!;
  const embedding = records.find(({ operation }) => operation === 'embeddings')!;
  assert.equal(embedding.links.parent, chat.id);
  assert.equal(typeof embedding.cost, 'number');
});

test("headers that governance requires of a client are not required of the gateway's own embedding call", async () => {
  const virtualKeys = [{ id: 'vk', name: 'vk', value: 'sk-bf-one-0123456789' }];
  const governance = { required: true, requiredHeaders: ['x-project'], virtualKeys };
  await using gateway = await semantic({}, { plugins: { 'plugins/governance': governance } });
  const headers = { authorization: 'Bearer sk-bf-one-0123456789', 'x-project': 'atlas' };
  const ask = (question: string, more: Record<string, string>) => gateway.ask(question, {}, more);
  await ask('How do I sell my car?', headers);
  await settled();
  assert.equal((await ask('What is the way to sell my automobile?', headers)).cache, 'semantic-hit');
  const { authorization } = headers;
  assert.equal((await ask('What is the way to sell my automobile?', { authorization })).status, 400);
});

test('the log says why a question could not be embedded, in the words of what refused it', async () => {
  await using gateway = await semantic();
  gateway.upstream.always((seen) =>
    seen.url.endsWith('/embeddings')
      ? { status: 400, json: { error: { message: 'this model makes no embeddings', type: 'invalid_request_error' } } }
      : { json: completion('still') },
  );
  assert.equal((await gateway.ask('How do I sell my boat?')).answer, 'still');
  const line = gateway.logs.find(({ message }) => message === 'a question could not be embedded');
  assert.match(String(line?.fields['err']), /400.*this model makes no embeddings/);
});

test('what is cleared is not found by its meaning either', async () => {
  await using gateway = await semantic();
  await gateway.ask('How do I sell my car?');
  await settled();
  await fetch(`${gateway.url}/api/cache?all=true`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  assert.equal((await gateway.ask('What is the way to sell my automobile?')).cache, 'miss');
});

test('finds after a restart what it knew before, with its index whole, stale, damaged or missing', async () => {
  await using upstream = await startUpstream();
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-semantic-'));
  try {
    const asked = Array.from({ length: 300 }, (_, i) => `Where is the ${word(i)}?`);
    {
      await using gateway = await semantic({}, { dataDir }, upstream);
      for (const question of asked) await gateway.ask(question);
      await settled();
      assert.equal(
        (await gateway.ask(`Tell me where is my ${word(7)}`, {}, { 'x-bf-cache-no-store': 'true' })).cache,
        'semantic-hit',
      );
    }
    const folder = () => join(dataDir, 'semantic', readdirSync(join(dataDir, 'semantic'))[0]!);
    assert.equal(readdirSync(folder()).length, 1);
    const old = { name: readdirSync(folder())[0]!, bytes: readFileSync(join(folder(), readdirSync(folder())[0]!)) };
    const damages: (() => void)[] = [
      () => {},
      () => {
        for (const name of readdirSync(folder())) rmSync(join(folder(), name));
        writeFileSync(join(folder(), old.name), old.bytes);
      },
      () => writeFileSync(join(folder(), readdirSync(folder())[0]!), 'not an index'),
      () => rmSync(join(dataDir, 'semantic'), { recursive: true }),
    ];
    for (const [round, damage] of damages.entries()) {
      damage();
      await using gateway = await semantic({}, { dataDir }, upstream);
      if (round === 0) {
        for (const i of [300, 301]) await gateway.ask(`Where is the ${word(i)}?`);
        await settled();
      }
      for (const i of [3, 150, 299, 301]) {
        const { cache, answer } = await gateway.ask(
          `Tell me where is my ${word(i)}`,
          {},
          { 'x-bf-cache-no-store': 'true' },
        );
        assert.equal(cache, 'semantic-hit', `round ${round}`);
        assert.match(answer!, new RegExp(`\\b${word(i)}\\b`));
      }
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function word(i: number): string {
  return `thing${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}`;
}
