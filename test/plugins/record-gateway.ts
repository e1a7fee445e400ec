import { z } from 'zod';
import { defineProvider } from '../../plugin-sdk/define-provider.ts';
import { defineRoute } from '../../plugin-sdk/define-route.ts';
import { anthropicMessages, openaiChat, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import { definePlugin, type ExchangeRoute, type Operation } from '../../plugin-sdk/index.ts';
import type { ExchangeRecord } from '../../plugin-sdk/ports/records.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

/** A record as the API shows it. */
export type ShownRecord = Omit<ExchangeRecord, 'time' | 'cost'> & {
  readonly time: string;
  readonly cost: number | 'unknown' | null;
  readonly costUsd: number | 'unknown' | null;
};

type Given = NonNullable<Parameters<typeof startGateway>[0]>;

function exchange(
  path: string,
  operation: Operation,
  dialect: ExchangeRoute['dialect'],
  more: Partial<ExchangeRoute> = {},
): ExchangeRoute {
  return {
    type: 'exchange',
    method: 'POST',
    path: `/v1${path}`,
    strip: '/v1',
    dialect,
    operation,
    defaultProvider: 'openai',
    ...more,
  };
}

/** Routes and a provider of the test's own, so that it fails only for what it tests. */
const routes = defineRoute({
  name: 'test-routes',
  routes: () => [
    exchange('/chat/completions', 'chat', openaiChat),
    exchange('/responses', 'responses', openaiResponses),
    exchange('/embeddings', 'embeddings', openaiChat),
    exchange('/messages', 'chat', anthropicMessages),
    exchange('/passthrough/*', 'passthrough', openaiChat, { passthrough: true }),
  ],
});

const provider = defineProvider({
  name: 'providers/openai',
  provider: (options) => ({
    speaks: { chat: [openaiChat], responses: [openaiResponses], embeddings: [openaiChat], '*': [openaiChat] },
    endpoint: ({ path, query, key }) => ({
      origin: new URL(options.baseUrl).origin,
      path: `/v1${path}${query}`,
      headers: key.value === undefined ? [] : ['authorization', key.value.prefixed('Bearer ')],
    }),
  }),
});

/** Turns some requests away before a provider is asked. */
const refuser = definePlugin({
  name: 'refuser',
  options: z.strictObject({}),
  setup: () => ({
    hooks: {
      preRoute(exchange) {
        if (exchange.request.headers.has('x-refuse'))
          return { origin: 'gateway', status: 403, headers: [], body: { type: 'none' } };
      },
    },
  }),
});

/** Names a second target by header. */
const failover = definePlugin({
  name: 'failover',
  options: z.strictObject({}),
  setup: () => ({
    hooks: {
      preRoute(exchange) {
        const second = exchange.request.headers.get('x-failover')?.split('/');
        if (second === undefined) return;
        exchange.setTargets([
          { provider: 'openai', model: 'gpt-4o' },
          { provider: second[0]!, model: second[1]! },
        ]);
      },
    },
  }),
});

/** A gateway that keeps records, in front of a scripted upstream with prices for `gpt-4o`. */
export async function startRecording(options: Record<string, unknown> = {}, more: Given = {}) {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    ...more,
    definitions: {
      'test-routes': routes,
      'providers/openai': provider as never,
      refuser: refuser as never,
      failover: failover as never,
      ...more.definitions,
    },
    plugins: {
      'test-routes': {},
      refuser: {},
      'providers/openai': upstream.provider(),
      backup: {
        use: 'providers/openai',
        ...upstream.provider({ keys: [{ name: 'backup', value: 'sk-backup-secret' }] }),
      },
      'plugins/pricing': {},
      'plugins/records': { flushMs: 5, ...options },
      ...more.plugins,
    },
  });
  const admin = { authorization: `Bearer ${gateway.adminToken}` };
  const api = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${gateway.url}/api${path}`, { headers: admin });
    return (await response.json()) as T;
  };
  return {
    upstream,
    gateway,
    admin,
    api,
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(`${gateway.url}/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    /** All records, oldest first, once there are so many. */
    async records(count: number): Promise<ShownRecord[]> {
      for (let tries = 0; tries < 100; tries++) {
        const { records } = await api<{ records: ShownRecord[] }>('/records?order=asc');
        if (records.length >= count) return records;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`there are not ${count} records`);
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.close();
    },
  };
}

export const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'The card is 4111111111111111.' }, finish_reason: 'stop' },
  ],
  usage: {
    prompt_tokens: 1_000,
    completion_tokens: 100,
    total_tokens: 1_100,
    prompt_tokens_details: { cached_tokens: 400 },
  },
};

export const chunks = [
  {
    id: 'chatcmpl-2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o',
    choices: [{ index: 0, delta: { role: 'assistant', content: '' } }],
  },
  {
    id: 'chatcmpl-2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o',
    choices: [{ index: 0, delta: { content: 'Hel' } }],
  },
  {
    id: 'chatcmpl-2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o',
    choices: [{ index: 0, delta: { content: 'lo' } }],
  },
  {
    id: 'chatcmpl-2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o',
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
  },
  {
    id: 'chatcmpl-2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o',
    choices: [],
    usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
  },
  'data: [DONE]\n\n',
];

export const chat = { model: 'openai/gpt-4o', messages: [{ role: 'user', content: 'hi' }] };
