import { z } from 'zod';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import {
  definePlugin,
  defineProvider,
  locate,
  type PluginDefinition,
  type PluginInstance,
} from '../../plugin-sdk/index.ts';
import {
  type RunningGateway,
  type StartOptions,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

/** One chat endpoint and one provider that speaks its dialect: the least that the kernel can carry. */
const chatRoute = definePlugin({
  name: 'chat-route',
  options: z.strictObject({}),
  setup: () => ({
    routes: [
      {
        type: 'exchange',
        method: 'POST',
        path: '/v1/chat/completions',
        strip: '/v1',
        dialect: openaiChat,
        operation: 'chat',
        defaultProvider: 'up',
      },
    ],
  }),
});

const chatProvider = defineProvider({
  name: 'chat-provider',
  provider: ({ baseUrl }) => ({
    speaks: { chat: [openaiChat] },
    endpoint: (call) => ({
      ...locate(baseUrl, `/v1${call.path}${call.query}`),
      headers: ['authorization', call.key.value!.prefixed('Bearer ')],
    }),
  }),
});

export interface ChatGateway extends RunningGateway {
  readonly upstream: Upstream;
}

/** A gateway with that endpoint, a scripted upstream behind it, and the given plugins. */
export async function chatGateway(
  plugins: Record<string, PluginDefinition> = {},
  more: StartOptions = {},
): Promise<ChatGateway> {
  const upstream = await startUpstream();
  upstream.always({ json: completion('hello') });
  const starting = startGateway({
    ...more,
    definitions: { ...more.definitions, 'chat-route': chatRoute as never, 'chat-provider': chatProvider, ...plugins },
    plugins: {
      'chat-route': {},
      up: { use: 'chat-provider', ...upstream.provider() },
      ...Object.fromEntries(Object.keys(plugins).map((id) => [id, {}])),
      ...more.plugins,
    },
  });
  const running = await starting.catch(async (error) => {
    await upstream.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    await running.close();
    await upstream.close();
  };
  return { ...running, upstream, close, [Symbol.asyncDispose]: close };
}

/** A plugin from its instance, without options. */
export function plugin(name: string, instance: PluginInstance): PluginDefinition {
  return definePlugin({ name, options: z.strictObject({}), setup: () => instance }) as never;
}

export function ask(
  gateway: RunningGateway,
  body: object,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content: 'hi' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export function completion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt',
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  };
}

export function chunk(delta: object, finish: string | null = null): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt',
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

export const done = 'data: [DONE]\n\n';

/** The events of a whole streamed answer, a word an event. */
export function streamed(...words: string[]): (string | object)[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((content) => chunk({ content })),
    chunk({}, 'stop'),
    done,
  ];
}
