import type { TestContext } from 'node:test';
import {
  type RunningGateway,
  type Script,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

export const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};
export const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'm',
  output: [],
};
const answers: Record<string, Script> = {
  '/v1/chat/completions': { json: completion },
  '/v1/responses': { json: response },
};

export type Plugins = Record<string, Record<string, unknown>>;

export interface JobsGateway {
  readonly upstream: Upstream;
  readonly gateway: RunningGateway;
  /** The plugins as they run, with other options for some. */
  plugins(more: Plugins): Plugins;
  call(method: string, path: string, headers?: Record<string, string>, body?: unknown): Promise<Response>;
}

/** A gateway with async jobs in front of an upstream that answers at once. */
export async function startJobs(
  t: TestContext,
  options: Record<string, unknown> = {},
  others: Plugins = {},
): Promise<JobsGateway> {
  const upstream = await startUpstream();
  upstream.always((request) => answers[request.url] ?? { status: 404, json: { error: { message: 'none' } } });
  const plugins = (more: Plugins): Plugins => ({
    'routes/openai': {},
    'providers/openai': upstream.provider(),
    'plugins/async-jobs': { pollMs: 20, ...options },
    ...more,
  });
  const gateway = await startGateway({ plugins: plugins(others) });
  t.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const call: JobsGateway['call'] = (method, path, headers = {}, body = undefined) =>
    fetch(gateway.url + path, {
      method,
      headers: { 'content-type': 'application/json', authorization: 'Bearer dummy-key', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return { upstream, gateway, plugins, call };
}
