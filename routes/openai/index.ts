import { z } from 'zod';
import { openai } from '../../plugin-sdk/dialects/index.ts';
import { definePlugin, type Exchange, type ExchangeRoute } from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { answerLists } from '../models/answer-lists.ts';
import { mountPath } from '../mount-path.ts';
import { resolvePath } from './resolve-path.ts';

const shapes = loadOnUse<typeof import('./answer-models.ts')>(import.meta.url, './answer-models');

const defaultProvider = 'openai';

/** The OpenAI API, for the OpenAI and AzureOpenAI SDKs, with every configured provider behind it. */
export default definePlugin({
  name: 'routes/openai',
  description: 'The OpenAI API under /openai: chat, responses, embeddings, images, audio, files and the rest.',
  options: z.strictObject({
    prefix: mountPath('/openai').describe('Where it is mounted; the SDK calls it with and without /v1 behind.'),
  }),
  setup({ prefix }, host) {
    const answer = answerLists(host, defaultProvider, () => shapes().answerModels);
    // One route for the whole mount: its table finds an endpoint faster than a router with 400 patterns, and knows why not.
    const route: ExchangeRoute = {
      type: 'exchange',
      method: 'ALL',
      path: `${prefix}/*`,
      dialect: openai,
      operation: 'resources',
      defaultProvider,
      strip: prefix,
      resolve: (path, method, headers) => resolvePath(prefix, path, method, headers, host.providers),
    };
    const answersModels = (exchange: Exchange): boolean => exchange.route === route && exchange.operation === 'models';
    return {
      routes: [route],
      hooks: {
        // After the plugins that identify the caller: a list shows only what the caller may use.
        preRoute: {
          order: 'post',
          handler: (exchange) => (answersModels(exchange) ? answer(exchange) : undefined),
        },
      },
    };
  },
});
