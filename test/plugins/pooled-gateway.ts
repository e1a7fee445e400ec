import { type RunningGateway, type StartOptions, startGateway, type Upstream } from '../../plugin-sdk/testing/index.ts';

/** A gateway with the OpenAI routes in front of `openai` and, where given, further OpenAI-compatible providers. */
export function startPooled(
  upstreams: Readonly<
    Record<string, Upstream | { readonly upstream: Upstream; readonly options: Record<string, unknown> }>
  >,
  plugins: Record<string, unknown> = {},
  options: StartOptions = {},
): Promise<RunningGateway> {
  const providers = Object.entries(upstreams).map(([name, given]) => {
    const { upstream, options: more } = 'upstream' in given ? given : { upstream: given, options: {} };
    return [
      name === 'openai' ? 'providers/openai' : name,
      { ...(name === 'openai' ? {} : { use: 'providers/openai-compatible' }), ...upstream.provider(more) },
    ];
  });
  return startGateway({
    ...options,
    plugins: { 'routes/openai': {}, ...Object.fromEntries(providers), ...plugins } as never,
  });
}

/** Keys of a provider by name and weight; each one's value is its name. */
export function keys(weights: Readonly<Record<string, number | Record<string, unknown>>>) {
  return {
    keys: Object.entries(weights).map(([name, given]) => ({
      name,
      value: `sk-${name}`,
      ...(typeof given === 'number' ? { weight: given } : given),
    })),
  };
}

/** A whole chat reply. */
export function said(content = 'hi', usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }) {
  return {
    json: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage,
    },
  };
}

const chunk = (delta: object, finish: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** Events of a streamed chat reply. */
export const roleEvent = chunk({ role: 'assistant', content: '' });
export const textEvent = (content: string) => chunk({ content });
export const finishEvent = chunk({}, 'stop');
export const doneEvent = 'data: [DONE]\n\n';
export const errorEvent = { error: { message: 'overloaded', type: 'server_error', code: 'overloaded', param: null } };

export function failed(status: number, headers: Record<string, string> = {}, code = 'failed') {
  return { status, headers, json: { error: { message: `failed with ${status}`, type: 'error', param: null, code } } };
}

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
}

/** One chat call. */
export async function chat(
  gateway: RunningGateway,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Called> {
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...body }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** Which key an upstream was called with. */
export function keyOf(request: { readonly headers: Record<string, unknown> }): string {
  return String(request.headers['authorization']).replace('Bearer sk-', '');
}
