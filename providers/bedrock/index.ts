import { z } from 'zod';
import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { bedrock, bedrockConverse } from '../../plugin-sdk/dialects/index.ts';
import {
  type Call,
  capabilitiesByModel,
  capabilitiesOption,
  chain,
  defineProvider,
  isObject,
  type JsonObject,
  type Key,
  locate,
  type ModelInfo,
  secretString,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { AwsCredentials, keysOfMachine } from './credentials.ts';
import { encodeSegment, sign } from './sign.ts';

const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');
const embedding = loadOnUse<typeof import('./embeddings.ts')>(import.meta.url, './embeddings');

/** Stands for the host of each key's region. */
const anyRegion = 'https://bedrock-runtime.us-east-1.amazonaws.com';

/** Amazon Bedrock: Converse for chat, InvokeModel for embeddings. */
export default defineProvider({
  name: 'providers/bedrock',
  genAiName: 'aws.bedrock',
  description: 'Amazon Bedrock.',
  baseUrl: anyRegion,
  environment: ['AWS_BEARER_TOKEN_BEDROCK'],
  environmentSettings: { region: 'AWS_REGION' },
  otherKeys: keysOfMachine,
  keySource: 'AWS_BEARER_TOKEN_BEDROCK or AWS credentials',
  options: { capabilities: capabilitiesOption },
  keyFields: {
    region: z.string().optional().describe('AWS region; absent: AWS_REGION, the profile, or us-east-1.'),
    accessKeyId: z
      .string()
      .optional()
      .describe('With secretAccessKey: static credentials. Without `value` and these, the default chain.'),
    secretAccessKey: secretString.optional(),
    sessionToken: secretString.optional(),
    profile: z.string().optional().describe('Profile of the shared credentials and config files.'),
  },
  provider({ baseUrl, keys, capabilities }, host) {
    for (const { name, settings } of keys) {
      const halves = ['accessKeyId', 'secretAccessKey'].filter((field) => settings[field] === undefined);
      if (halves.length === 1) throw new Error(`the key ${name} has no ${halves[0]}`);
    }
    const credentials = new AwsCredentials(host);
    const baseOf = (key: Key): string =>
      baseUrl === anyRegion ? `https://bedrock-runtime.${credentials.regionOf(key)}.amazonaws.com` : baseUrl;
    return {
      speaks: {
        '*': [bedrock],
        chat: [bedrockConverse],
        responses: [bedrockConverse],
        completions: [bedrockConverse],
      },
      withheldHeaders: ['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'],
      endpoint: (call) => ({
        ...locate(baseOf(call.key), pathOf(call)),
        headers: call.key.value === undefined ? [] : ['authorization', call.key.value.prefixed('Bearer ')],
      }),
      authorize(request, key) {
        if (key.value !== undefined) return request;
        return chain(credentials.of(key), (found) =>
          sign(request, found, credentials.regionOf(key), new Date(host.clock.now())),
        );
      },
      unauthorized: (key, { code, type }) =>
        /ExpiredToken|UnrecognizedClient|InvalidClientToken/.test(`${type} ${code}`) && credentials.drop(key),
      capabilities: capabilitiesByModel({ inlineMedia: true, choices: false }, capabilities),
      adapters: {
        embeddings: deferredAdapter(() => embedding().embeddings),
        count_tokens: deferredAdapter(() => counting().countTokens),
      },
      models: async ({ key, get }) => {
        const control = baseUrl === anyRegion ? `https://bedrock.${credentials.regionOf(key)}.amazonaws.com` : baseUrl;
        const bearer = key.value === undefined ? [] : ['authorization', key.value.prefixed('Bearer ')];
        return readModels(await get(`${control}/foundation-models`, bearer));
      },
    };
  },
});

/** The model's id is one segment, however many slashes and colons it has. */
function pathOf(call: Call): string {
  const isTranslated = call.dialect === bedrockConverse && call.exchange.dialect !== bedrockConverse;
  if (call.passthrough || !isTranslated) return `${call.path}${call.query}`;
  return `/model/${encodeSegment(call.model)}/${call.stream ? 'converse-stream' : 'converse'}`;
}

/** Bedrock's list: `{modelSummaries: [{modelId, providerName}]}`, without dates. */
function readModels({ modelSummaries }: JsonObject): ModelInfo[] {
  if (!Array.isArray(modelSummaries)) return [];
  return modelSummaries.flatMap((model) =>
    isObject(model) && typeof model['modelId'] === 'string'
      ? [{ id: model['modelId'], created: 0, ownedBy: String(model['providerName'] ?? 'amazon').toLowerCase() }]
      : [],
  );
}
