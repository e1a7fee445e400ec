import { z } from 'zod';
import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import type { HostedClaude } from '../../plugin-sdk/dialects/anthropic-messages/hosted-claude.ts';
import { anthropicMessages, bedrock, bedrockConverse } from '../../plugin-sdk/dialects/index.ts';
import {
  betasOption,
  type Call,
  capabilitiesByModel,
  capabilitiesOption,
  chain,
  defineProvider,
  type Exchange,
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

const claude = loadOnUse<typeof import('./claude.ts')>(import.meta.url, './claude');
const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');
const embedding = loadOnUse<typeof import('./embeddings.ts')>(import.meta.url, './embeddings');

/** Stands for the host of each key's region. */
const anyRegion = 'https://bedrock-runtime.us-east-1.amazonaws.com';

/** Amazon Bedrock: Converse for chat; InvokeModel for embeddings, and for Claude's beta features. */
export default defineProvider({
  name: 'providers/bedrock',
  genAiName: 'aws.bedrock',
  description: 'Amazon Bedrock.',
  baseUrl: anyRegion,
  environment: ['AWS_BEARER_TOKEN_BEDROCK'],
  environmentSettings: { region: 'AWS_REGION' },
  otherKeys: keysOfMachine,
  keySource: 'AWS_BEARER_TOKEN_BEDROCK or AWS credentials',
  options: { capabilities: capabilitiesOption, betas: betasOption },
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
  provider({ baseUrl, keys, capabilities, betas }, host) {
    let made: HostedClaude | undefined;
    const hosted = (): HostedClaude => (made ??= claude().claudeOnBedrock(betas));
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
      // Beta features of Claude's are in its own format alone.
      translatesInto: (operation, model, exchange) =>
        operation === 'chat' && asksForBetas(exchange) && isClaude(model) && hosted().betas(exchange).length > 0
          ? claude().bedrockInvoke
          : undefined,
      editBody(call, body) {
        if (isInvoked(call)) claude().fitInvoke(hosted(), call.exchange, body);
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

/** Other names, such as those of inference profiles that an account has made, say nothing of the model. */
function isClaude(model: string): boolean {
  return /(?:^|[./])anthropic\.claude/.test(model);
}

function asksForBetas({ dialect, request }: Exchange): boolean {
  return dialect === anthropicMessages && request.headers.has('anthropic-beta');
}

function isInvoked({ dialect }: Call): boolean {
  return dialect.id === 'bedrock.invoke';
}

/** The model's id is one segment, however many slashes and colons it has. */
function pathOf(call: Call): string {
  const model = `/model/${encodeSegment(call.model)}`;
  if (isInvoked(call)) return `${model}/${call.stream ? 'invoke-with-response-stream' : 'invoke'}`;
  const isTranslated = call.dialect === bedrockConverse && call.exchange.dialect !== bedrockConverse;
  if (call.passthrough || !isTranslated) return `${call.path}${call.query}`;
  return `${model}/${call.stream ? 'converse-stream' : 'converse'}`;
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
