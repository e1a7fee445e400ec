import OpenAI from 'openai';
import {
  type RunningGateway,
  type SeenRequest,
  type StartOptions,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

export interface ProviderGateway extends RunningGateway {
  readonly upstream: Upstream;
  /** The OpenAI SDK, pointed at the gateway. */
  readonly client: OpenAI;
  /** What the upstream saw last. */
  last(): SeenRequest;
}

/** A gateway with the OpenAI routes and one provider, with a scripted upstream behind it. */
export async function providerGateway(
  provider: string,
  options: (upstream: Upstream) => Record<string, unknown> = (upstream) => upstream.provider(),
  more: StartOptions = {},
): Promise<ProviderGateway> {
  const upstream = await startUpstream();
  const starting = startGateway({
    ...more,
    plugins: { 'routes/openai': {}, [provider]: options(upstream), ...more.plugins },
  });
  const gateway = await starting.catch(async (error) => {
    await upstream.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    await gateway.close();
    await upstream.close();
  };
  return {
    ...gateway,
    upstream,
    client: new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-of-the-client', maxRetries: 0 }),
    last: () => upstream.requests.at(-1)!,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The floats of a base64 embedding, as the SDK decodes them. */
export function floats(...values: number[]): number[] {
  return [...new Float32Array(values)];
}
