import { defineOpenAICompatible } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

export interface ReplayGateway extends RunningGateway {
  readonly upstream: Upstream;
}

/** A gateway with the given routes, and one upstream that stands for every provider that was recorded. */
export async function replayGateway(...routes: string[]): Promise<ReplayGateway> {
  const upstream = await startUpstream();
  const at = (more: Record<string, unknown> = {}) => upstream.provider(more);
  const key = (more: Record<string, unknown>) => at({ keys: [{ name: 'main', ...more }] });
  const alike = ['openai', 'groq', 'mistral', 'deepseek', 'cerebras', 'openrouter', 'huggingface', 'ollama'];
  const gateway = await startGateway({
    definitions: { 'chat-only': defineOpenAICompatible({ name: 'chat-only' }) },
    plugins: {
      ...Object.fromEntries(routes.map((route) => [route, {}])),
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
  const close = async (): Promise<void> => {
    await gateway.close();
    await upstream.close();
  };
  return { ...gateway, upstream, close, [Symbol.asyncDispose]: close };
}
