import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { definePlugin, type Outcome, type PluginDefinition, type RoutedExchange } from '../../plugin-sdk/index.ts';
import {
  type RunningGateway,
  type StartOptions,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

export const providerNames = ['openai', 'anthropic', 'azure', 'gemini', 'vertex'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface Settled {
  readonly exchange: RoutedExchange;
  readonly outcome: Outcome;
}

export interface PassthroughGateway extends RunningGateway {
  readonly upstreams: Readonly<Record<ProviderName, Upstream>>;
  /** How each exchange ended, in order. */
  readonly settled: readonly Settled[];
  /** The end of the n-th exchange from now on, 1 being the next. */
  next(count?: number): Promise<Settled>;
}

/** A gateway with all passthrough routes, a scripted upstream behind each provider, and a plugin that notes how exchanges end. */
export async function passthroughGateway(more: StartOptions = {}): Promise<PassthroughGateway> {
  const upstreams = Object.fromEntries(
    await Promise.all(providerNames.map(async (name) => [name, await startUpstream()] as const)),
  ) as Record<ProviderName, Upstream>;
  const settled: Settled[] = [];
  const waiting = new Set<() => void>();
  const observer = definePlugin({
    name: 'observer',
    options: z.strictObject({}),
    setup: () => ({
      hooks: {
        postLog(exchange, outcome) {
          settled.push({ exchange, outcome });
          for (const wake of waiting) wake();
        },
      },
    }),
  });
  const { openai, anthropic, azure, gemini, vertex } = upstreams;
  const running = await startGateway({
    ...more,
    definitions: { observer: observer as PluginDefinition, ...more.definitions },
    plugins: {
      'routes/openai-passthrough': {},
      'routes/anthropic-passthrough': {},
      'routes/azure-passthrough': {},
      'routes/genai-passthrough': {},
      'plugins/vertex-detection': {},
      'plugins/azure-api-version': {},
      'providers/openai': openai.provider(),
      'providers/anthropic': anthropic.provider(),
      'providers/azure': { keys: [{ name: 'main', value: 'sk-upstream', endpoint: azure.url }] },
      'providers/gemini': gemini.provider(),
      'providers/vertex': vertex.provider({
        keys: [{ name: 'main', value: 'ya29.upstream', project: 'our-project', region: 'europe-west4' }],
      }),
      observer: {},
      ...more.plugins,
    },
  });
  const close = async (): Promise<void> => {
    await running.close();
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  };
  return {
    ...running,
    upstreams,
    settled,
    next(count = 1) {
      const wanted = settled.length + count;
      return new Promise((resolve) => {
        const wake = (): void => {
          if (settled.length < wanted) return;
          waiting.delete(wake);
          resolve(settled[wanted - 1]!);
        };
        waiting.add(wake);
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
  /** The connection broke before the reply was complete. */
  readonly cut: boolean;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | string;
}

/** A call without anything that a client library would change: path, headers and bytes as given. */
export function rawCall(
  { port }: { readonly port: number },
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        const done = (cut: boolean) => (): void =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            rawHeaders: incoming.rawHeaders,
            body: Buffer.concat(chunks),
            trailers: incoming.trailers,
            cut,
          });
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', done(false));
        incoming.on('error', done(true));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
