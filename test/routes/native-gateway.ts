import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

const names = ['openai', 'anthropic', 'gemini', 'vertex'] as const;

export interface NativeGateway extends RunningGateway {
  readonly upstreams: Readonly<Record<(typeof names)[number], Upstream>>;
}

/** A gateway with the routes that speak vendors' own formats, and a scripted upstream behind each of four providers. */
export async function nativeGateway(plugins: Readonly<Record<string, object>> = {}): Promise<NativeGateway> {
  const started = await Promise.all(names.map(async (name) => [name, await startUpstream()] as const));
  const upstreams = Object.fromEntries(started) as Record<(typeof names)[number], Upstream>;
  const vertexKey = { name: 'main', value: 'ya29.upstream', project: 'our-project', region: 'europe-west4' };
  const running = await startGateway({
    plugins: {
      'routes/anthropic': {},
      'routes/genai': {},
      'providers/openai': upstreams.openai.provider(),
      'providers/anthropic': upstreams.anthropic.provider(),
      'providers/gemini': upstreams.gemini.provider(),
      'providers/vertex': upstreams.vertex.provider({ keys: [vertexKey] }),
      'providers/mock': {},
      ...plugins,
    },
  });
  const close = async (): Promise<void> => {
    await running.close();
    await Promise.all(started.map(([, upstream]) => upstream.close()));
  };
  return { ...running, upstreams, close, [Symbol.asyncDispose]: close };
}

/** A chat completion with a text or with calls of tools. */
export function completion(text: string, calls: readonly { id: string; name: string; arguments: string }[] = []) {
  const tools = calls.map(({ id, ...named }) => ({ id, type: 'function', function: named }));
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'gpt-4o',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, ...(tools.length > 0 ? { tool_calls: tools } : {}) },
        finish_reason: tools.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  };
}

/** A streamed chat completion, a chunk a word, without its end. */
export function chunks(text: string): object[] {
  return text.split(/(?<= )/).map((content) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'gpt-4o',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }));
}

/** What ends one. */
export const lastChunks = [
  { ...chunks('')[0], choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { ...chunks('')[0], choices: [], usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 } },
  '[DONE]',
];
