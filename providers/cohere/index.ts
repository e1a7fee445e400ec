import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { cohere, cohereChat } from '../../plugin-sdk/dialects/index.ts';
import {
  type Call,
  capabilitiesByModel,
  capabilitiesOption,
  defineProvider,
  isObject,
  type JsonObject,
  locate,
  type ModelInfo,
  type OutgoingHeaders,
  type ProviderKey,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';

const embedding = loadOnUse<typeof import('./embeddings.ts')>(import.meta.url, './embeddings');
const reranking = loadOnUse<typeof import('./rerank.ts')>(import.meta.url, './rerank');

/** Cohere's API, version 2. */
export default defineProvider({
  name: 'providers/cohere',
  description: 'Cohere.',
  baseUrl: 'https://api.cohere.com',
  environment: ['COHERE_API_KEY', 'CO_API_KEY'],
  options: { capabilities: capabilitiesOption },
  provider: ({ baseUrl, capabilities }) => ({
    speaks: { '*': [cohere], chat: [cohereChat], responses: [cohereChat], completions: [cohereChat] },
    endpoint: (call) => ({ ...locate(baseUrl, pathOf(call)), headers: authentication(call.key) }),
    capabilities: capabilitiesByModel({ choices: false }, capabilities),
    adapters: {
      embeddings: deferredAdapter(() => embedding().embeddings),
      rerank: deferredAdapter(() => reranking().rerank),
    },
    models: async ({ key, get }) => readModels(await get('/v1/models?page_size=1000', authentication(key))),
  }),
});

function pathOf(call: Call): string {
  if (call.passthrough) return `${call.path}${call.query}`;
  const isTranslated = call.dialect === cohereChat && call.exchange.dialect !== cohereChat;
  return isTranslated ? '/v2/chat' : `/v2${call.path}${call.query}`;
}

function authentication({ value }: Pick<ProviderKey, 'value'>): OutgoingHeaders {
  return value === undefined ? [] : ['authorization', value.prefixed('Bearer ')];
}

/** Cohere's model list: `{models: [{name, endpoints, …}]}`, without dates. */
function readModels({ models }: JsonObject): ModelInfo[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model) =>
    isObject(model) && typeof model['name'] === 'string' ? [{ id: model['name'], created: 0, ownedBy: 'cohere' }] : [],
  );
}
