import { z } from 'zod';
import * as dialects from '../../plugin-sdk/dialects/index.ts';
import { definePlugin, instanceName, type KeyedAttempt, type Provider } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { failureRule } from './failures.ts';
import type { Mock } from './mock.ts';

const answering = loadOnUse<typeof import('./mock.ts')>(import.meta.url, './mock');

const models = ['mock', 'echo', 'reasoner', 'slow', 'cut', 'error-429', 'error-500'];

/** A provider without keys or network: the same request always gets the same answer. */
export default definePlugin({
  name: 'providers/mock',
  description: 'Answers by itself, without a key: for first steps, tests and measurements.',
  requires: ['keys'],
  options: z.strictObject({
    latencyMs: z.int().min(0).default(0).describe('Time before an answer begins.'),
    chunkDelayMs: z.int().min(0).default(0).describe('Time between the pieces of a stream.'),
    chunks: z.int().min(1).optional().describe('Pieces of a streamed text; a word each unless said.'),
    failures: z.array(failureRule).default([]).describe('Requests that fail, and how.'),
  }),
  setup(options, host) {
    const name = instanceName(host.plugin);
    let made: Mock | undefined;
    const mock = (): Mock => (made ??= new (answering().Mock)(options, host.clock));
    return {
      provider: { ...provider, name },
      hooks: {
        execute: (attempt: KeyedAttempt) => (attempt.target.provider === name ? mock().answer(attempt) : undefined),
      },
    };
  },
});

const provider: Omit<Provider, 'name'> = {
  baseUrl: 'http://mock.invalid',
  keys: [],
  keyless: true,
  keyAdvice: 'The mock needs no key.',
  privateAddresses: false,
  speaks: { '*': Object.values(dialects) },
  endpoint: () => ({ origin: 'http://mock.invalid', path: '/', headers: [] }),
  models: async () => models.map((id) => ({ id, created: 0, ownedBy: 'mock' })),
};
