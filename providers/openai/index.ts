import { z } from 'zod';
import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { openai, openaiChat, openaiCompletions, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import { openaiCapabilities } from '../../plugin-sdk/dialects/openai/model-facts.ts';
import {
  capabilitiesOption,
  defineProvider,
  editCarried,
  embeddingsForAll,
  locate,
  type OutgoingHeaders,
  type ProviderKey,
  pathOf,
  queryOf,
  readModels,
  versionPath,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';

const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');

/** OpenAI itself: every operation is carried byte for byte. */
export default defineProvider({
  name: 'providers/openai',
  description: 'OpenAI.',
  baseUrl: 'https://api.openai.com',
  environment: ['OPENAI_API_KEY'],
  environmentSettings: { organization: 'OPENAI_ORG_ID', project: 'OPENAI_PROJECT_ID' },
  keyFields: {
    organization: z.string().optional().describe('Organization that the calls of this key belong to.'),
    project: z.string().optional().describe('Project that the calls of this key belong to.'),
  },
  options: { capabilities: capabilitiesOption },
  provider({ baseUrl, capabilities }) {
    const can = openaiCapabilities(capabilities);
    const apiPath = versionPath(baseUrl, '/v1');
    return {
      speaks: { '*': [openai], chat: [openaiChat], responses: [openaiResponses], completions: [openaiCompletions] },
      translatesInto: (operation, model) =>
        operation === 'chat' && can(model).reasons === true ? openaiResponses : undefined,
      endpoint: (call) => ({
        ...locate(baseUrl, `${apiPath}${pathOf(call)}${queryOf(call)}`),
        headers: authentication(call.key),
      }),
      withheldHeaders: ['openai-organization', 'openai-project'],
      editBody: editCarried,
      capabilities: can,
      adapters: { ...embeddingsForAll, count_tokens: deferredAdapter(() => counting().countTokens) },
      models: async ({ key, get }) => readModels(await get(`${apiPath}/models`, authentication(key))),
    };
  },
});

function authentication({ value, settings }: Pick<ProviderKey, 'value' | 'settings'>): OutgoingHeaders {
  const headers: OutgoingHeaders = value === undefined ? [] : ['authorization', value.prefixed('Bearer ')];
  const { organization, project } = settings;
  if (typeof organization === 'string') headers.push('openai-organization', organization);
  if (typeof project === 'string') headers.push('openai-project', project);
  return headers;
}
