import { z } from 'zod';
import { openai, openaiChat, openaiCompletions, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import { openaiCapabilities } from '../../plugin-sdk/dialects/openai/model-facts.ts';
import {
  type Call,
  capabilitiesOption,
  chain,
  defineProvider,
  editCarried,
  embeddingsForAll,
  isPrivateName,
  type Key,
  locate,
  type OutgoingHeaders,
  readModels,
  secretString,
} from '../../plugin-sdk/index.ts';
import { checkKeys } from './check-keys.ts';
import { EntraTokens } from './entra-tokens.ts';
import { place } from './place.ts';

/** Stands for "nowhere": every key names the endpoint of its own resource. */
const noEndpoint = 'https://openai.azure.com';

/** Azure OpenAI: OpenAI's formats, at the customer's own endpoint. */
export default defineProvider({
  name: 'providers/azure',
  genAiName: 'azure.ai.openai',
  description: 'Azure OpenAI.',
  baseUrl: noEndpoint,
  environment: ['AZURE_OPENAI_API_KEY'],
  keySource: 'AZURE_OPENAI_API_KEY with AZURE_OPENAI_ENDPOINT',
  environmentSettings: { endpoint: 'AZURE_OPENAI_ENDPOINT', apiVersion: 'OPENAI_API_VERSION' },
  options: {
    api: z
      .enum(['deployments', 'v1'])
      .default('deployments')
      .describe(
        '`deployments`: a path per deployment with a dated api-version. `v1`: the paths of OpenAI under /openai/v1.',
      ),
    capabilities: capabilitiesOption,
    authority: z
      .url()
      .optional()
      .describe('Where tokens of Entra applications come from; https://login.microsoftonline.com unless said.'),
  },
  keyFields: {
    endpoint: z.url().optional().describe('The resource, such as https://NAME.openai.azure.com.'),
    apiVersion: z
      .string()
      .optional()
      .describe('api-version of this key; absent: what the client sends, or 2024-10-21.'),
    tenantId: z.string().optional().describe('With clientId and clientSecret: an Entra application instead of a key.'),
    clientId: z.string().optional(),
    clientSecret: secretString.optional(),
    identity: z
      .enum(['workload', 'managed'])
      .optional()
      .describe(
        'Instead of a key: what this process is to Entra. `workload`: a Kubernetes workload identity (AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE). `managed`: the managed identity of the machine or service it runs on; clientId names one of several.',
      ),
    scope: z
      .string()
      .optional()
      .describe('Scope of Entra tokens; https://cognitiveservices.azure.com/.default unless said.'),
  },
  provider({ baseUrl, keys: given, api, authority, capabilities, allowPrivateNetwork }, host) {
    const can = openaiCapabilities(capabilities);
    const fallback = baseUrl === noEndpoint ? undefined : baseUrl;
    const keys = checkKeys(given, fallback, host.log);
    const tokens = new EntraTokens(authority, host);
    const endpoints = keys.map((key) => endpointOf(key, fallback));
    return {
      keys,
      privateAddresses: allowPrivateNetwork || endpoints.some(isPrivateName),
      // A deployment may have any name; one that is called as its model is known by it.
      translatesInto: (operation, model) =>
        operation === 'chat' && can(model).reasons === true ? openaiResponses : undefined,
      speaks: { '*': [openai], chat: [openaiChat], responses: [openaiResponses], completions: [openaiCompletions] },
      endpoint: (call: Call) => ({
        ...locate(endpointOf(call.key, fallback), place(call, api)),
        headers: apiKey(call.key, call.passthrough && call.path.startsWith('/anthropic')),
      }),
      authorize: (request, key) =>
        chain(tokens.of(key), (token) =>
          token === undefined
            ? request
            : { ...request, headers: [...request.headers, 'authorization', token.prefixed('Bearer ')] },
        ),
      unauthorized: (key, { status }) => status === 401 && tokens.drop(key),
      editBody: editCarried,
      adapters: embeddingsForAll,
      capabilities: can,
      models: async ({ key, get }) => {
        const path = api === 'v1' ? '/openai/v1/models' : '/openai/models?api-version=2024-10-21';
        return readModels(await get(endpointOf(key, fallback) + path, apiKey(key, false)));
      },
    };
  },
});

function endpointOf({ settings }: Pick<Key, 'settings'>, fallback: string | undefined): string {
  return String(settings['endpoint'] ?? fallback ?? noEndpoint).replace(/\/+$/, '');
}

/** Claude on Azure takes its key under another name. */
function apiKey({ value }: Pick<Key, 'value'>, isClaude: boolean): OutgoingHeaders {
  return value === undefined ? [] : [isClaude ? 'x-api-key' : 'api-key', value];
}
