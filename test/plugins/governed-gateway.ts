import { defineProvider } from '../../plugin-sdk/define-provider.ts';
import { defineRoute } from '../../plugin-sdk/define-route.ts';
import { anthropicMessages, geminiGenerateContent, openai, openaiChat } from '../../plugin-sdk/dialects/index.ts';
import type { OptionsSchema, PluginDefinition } from '../../plugin-sdk/index.ts';
import { type RunningGateway, type StartOptions, startGateway, type Upstream } from '../../plugin-sdk/testing/index.ts';

/** One route per dialect, all of whose calls go to the upstream under test. */
const routes = defineRoute({
  name: 'test/routes',
  routes: () => {
    const of = (
      path: string,
      dialect: typeof openaiChat,
      operation: 'chat' | 'embeddings' | 'passthrough',
      more = {},
    ) =>
      ({
        type: 'exchange',
        method: 'POST',
        path,
        strip: '',
        dialect,
        operation,
        defaultProvider: 'openai',
        ...more,
      }) as const;
    return [
      of('/openai/v1/chat/completions', openaiChat, 'chat', { strip: '/openai/v1' }),
      of('/openai/v1/embeddings', openai, 'embeddings', { strip: '/openai/v1' }),
      of('/anthropic/v1/messages', anthropicMessages, 'chat', { strip: '/anthropic/v1' }),
      of('/genai/v1beta/models/:call', geminiGenerateContent, 'chat', {
        strip: '/genai/v1beta',
        resolve: (path: string) => ({ path: '/chat/completions', model: /models\/([^:]+)/.exec(path)![1]! }),
      }),
      of('/openai_passthrough/*', openai, 'passthrough', { strip: '/openai_passthrough', passthrough: true }),
    ];
  },
});

const provider = defineProvider({
  name: 'test/provider',
  provider: (options) => ({
    speaks: { chat: [openaiChat], embeddings: [openai], passthrough: [openai] },
    endpoint: (call) => ({
      origin: new URL(options.baseUrl).origin,
      path: `/v1${call.path}${call.query}`,
      headers: call.key.value === undefined ? [] : ['authorization', call.key.value.prefixed('Bearer ')],
    }),
  }),
});

/** USD per million tokens, chosen so that sums are easy: an input token costs 1,000 nano-USD, an output token 10,000. */
export const testPrices = {
  overrides: [
    { model: 'priced*', input: 1, output: 10 },
    { model: 'free', input: 0, output: 0 },
    { model: 'sized', input: 1, output: 10, maxOutputTokens: 8_000 },
  ],
  book: false,
};

export interface GovernedOptions extends StartOptions {
  readonly governance?: Record<string, unknown>;
}

/** Output that an upstream makes of a call: a part of what it states as its limit, or of what the model can give. */
export function outputOf(request: unknown, part: number): number {
  const { max_completion_tokens: limit = 8_000 } = request as { max_completion_tokens?: number };
  return Math.ceil(limit * part);
}

/** A gateway with governance in front of two providers that both point at one upstream. */
export function startGoverned(upstream: Upstream, options: GovernedOptions = {}): Promise<RunningGateway> {
  const { governance = {}, plugins = {}, definitions = {}, ...rest } = options;
  return startGateway({
    ...rest,
    definitions: {
      'test/routes': routes,
      'test/provider': provider as unknown as PluginDefinition<OptionsSchema>,
      ...definitions,
    },
    plugins: {
      'test/routes': {},
      openai: {
        use: 'test/provider',
        ...upstream.provider({
          keys: [
            { name: 'main', value: 'sk-canary-upstream-main' },
            { name: 'spare', value: 'sk-canary-upstream-spare', weight: 0.001 },
          ],
        }),
      },
      other: { use: 'test/provider', ...upstream.provider() },
      'plugins/pricing': testPrices,
      'plugins/governance': governance,
      ...plugins,
    } as never,
  });
}

/** A reply that used so many tokens. */
export function used(input: number, output: number) {
  return {
    json: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'priced',
      choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
    },
  };
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: ErrorJson;
}

/** An error of any dialect, as far as tests look at one. */
export interface ErrorJson {
  readonly type?: string;
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly param: string | null;
    readonly status?: string;
    readonly details: readonly { readonly path: string; readonly message: string }[];
  };
}

/** Calls the gateway; `headers` say who, `body` what. */
export async function call(
  gateway: RunningGateway,
  headers: Record<string, string> = {},
  body: Record<string, unknown> = {},
  path = '/openai/v1/chat/completions',
): Promise<Called> {
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'priced', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...body }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json: json as ErrorJson };
}

export async function quota(gateway: RunningGateway, key: string) {
  const response = await fetch(`${gateway.url}/api/quota`, { headers: { 'x-bf-vk': key } });
  return (await response.json()) as {
    accounts: { account: string; unit: string; used: number; reserved: number; remaining: number }[];
  };
}
