import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { editCarriedSignatures } from '../../plugin-sdk/dialects/gemini-generate-content/carried-signatures.ts';
import { googleAdapters } from '../../plugin-sdk/dialects/google/adapters.ts';
import { modelPath, verbOf } from '../../plugin-sdk/dialects/google/model-path.ts';
import { geminiGenerateContent, google } from '../../plugin-sdk/dialects/index.ts';
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

const counting = loadOnUse<typeof import('../../plugin-sdk/dialects/google/count-tokens.ts')>(
  import.meta.url,
  '../../plugin-sdk/dialects/google/count-tokens',
);
const embedding = loadOnUse<typeof import('./embeddings.ts')>(import.meta.url, './embeddings');

const naming = loadOnUse<typeof import('./name-model.ts')>(import.meta.url, './name-model');

const version = '/v1beta';

/** URLs that Google reads itself: its file store and videos. All other media is fetched and sent along. */
const ownUrls = [
  'https://generativelanguage.googleapis.com/',
  'https://www.youtube.com/',
  'https://youtube.com/',
  'https://youtu.be/',
];

/** Google's Gemini API, with an API key. */
export default defineProvider({
  name: 'providers/gemini',
  genAiName: 'gcp.gemini',
  description: 'Google Gemini API.',
  baseUrl: 'https://generativelanguage.googleapis.com',
  environment: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  options: { capabilities: capabilitiesOption },
  provider({ baseUrl: given, capabilities }) {
    // Some write the version into the base URL.
    const baseUrl = given.replace(/\/v1beta$/, '');
    return {
      baseUrl,
      speaks: {
        '*': [google],
        chat: [geminiGenerateContent],
        responses: [geminiGenerateContent],
        completions: [geminiGenerateContent],
      },
      withheldHeaders: ['x-goog-user-project'],
      endpoint: (call) => ({ ...locate(baseUrl, pathOf(call)), headers: authentication(call.key) }),
      editBody: (call, body) => {
        if (call.dialect === geminiGenerateContent) editCarriedSignatures(call, body);
        else if (call.dialect === google && !call.passthrough) naming().nameModel(call, body);
      },
      capabilities: capabilitiesByModel({ inlineMedia: { except: ownUrls } }, capabilities),
      adapters: {
        ...googleAdapters,
        embeddings: deferredAdapter(() => embedding().embeddings),
        count_tokens: deferredAdapter(() => counting().countTokens('gemini')),
      },
      models: async ({ key, get }) =>
        readModels(await get(`${baseUrl}${version}/models?pageSize=1000`, authentication(key))),
    };
  },
});

function pathOf(call: Call): string {
  if (call.passthrough) return `${call.path}${call.query}`;
  if (call.dialect === geminiGenerateContent)
    return version + modelPath(call.model, call.stream ? 'streamGenerateContent?alt=sse' : 'generateContent');
  const verb = verbOf(call.path);
  return `${version}${verb === undefined ? call.path : modelPath(call.model, verb)}${call.query}`;
}

function authentication({ value }: Pick<ProviderKey, 'value'>): OutgoingHeaders {
  return value === undefined ? [] : ['x-goog-api-key', value];
}

/** Google's model list: `{models: [{name: "models/gemini-…"}]}`, without dates. */
function readModels({ models }: JsonObject): ModelInfo[] {
  if (!Array.isArray(models)) return [];
  return models.flatMap((model) => {
    if (!isObject(model) || typeof model['name'] !== 'string') return [];
    return [{ id: model['name'].replace(/^models\//, ''), created: 0, ownedBy: 'google' }];
  });
}
