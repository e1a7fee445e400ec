import { z } from 'zod';
import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { editCarriedThinking } from '../../plugin-sdk/dialects/anthropic-messages/carried-thinking.ts';
import { anthropic, anthropicMessages } from '../../plugin-sdk/dialects/index.ts';
import {
  type Call,
  capabilitiesByModel,
  capabilitiesOption,
  defineProvider,
  locate,
  type OutgoingHeaders,
  type ProviderKey,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { readModels } from './read-models.ts';

const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');

/** What translation writes. Later versions refuse sampling settings, which clients of other formats send. */
const version = '2023-06-01';

/** Without it a token is refused. */
const tokenBeta = 'oauth-2025-04-20';

/** Documents at URLs are PDFs for Anthropic; text is sent inline. */
const textFiles = ['.txt', '.md', '.csv', '.html', '.htm', '.json', '.xml'];

/** Anthropic's own API: Claude in its native format. */
export default defineProvider({
  name: 'providers/anthropic',
  description: 'Anthropic.',
  baseUrl: 'https://api.anthropic.com',
  environment: ['ANTHROPIC_API_KEY'],
  options: {
    betas: z
      .array(z.string())
      .default([])
      .describe('Beta features for every call, beside those that the client names.'),
    capabilities: capabilitiesOption,
  },
  provider({ baseUrl: given, betas, capabilities }) {
    // Some write the version into the base URL.
    const baseUrl = given.replace(/\/v1$/, '');
    return {
      baseUrl,
      speaks: {
        '*': [anthropic],
        chat: [anthropicMessages],
        responses: [anthropicMessages],
        completions: [anthropicMessages],
      },
      withheldHeaders: ['anthropic-workspace-id'],
      endpoint: (call) => ({
        ...locate(baseUrl, pathOf(call)),
        headers: [...authentication(call.key), ...versioning(call), ...betaHeader(call, betas)],
      }),
      editBody: (call, body) => {
        if (call.dialect === anthropicMessages) editCarriedThinking(call, body);
      },
      capabilities: capabilitiesByModel(
        { choices: false, inlineMedia: { except: ['https:'], endings: textFiles } },
        capabilities,
      ),
      adapters: { count_tokens: deferredAdapter(() => counting().countTokens) },
      models: async ({ key, get }) =>
        readModels(
          await get(`${baseUrl}/v1/models?limit=1000`, [
            ...authentication(key),
            ...['anthropic-version', version],
            ...(isToken(key) ? ['anthropic-beta', tokenBeta] : []),
          ]),
        ),
    };
  },
});

function pathOf(call: Call): string {
  if (call.passthrough) return `${call.path}${call.query}`;
  if (isTranslated(call) && call.dialect === anthropicMessages) return '/v1/messages';
  return `/v1${call.path}${call.query}`;
}

function isTranslated(call: Call): boolean {
  return !call.passthrough && call.dialect !== call.exchange.dialect;
}

function authentication(key: Pick<ProviderKey, 'value'>): OutgoingHeaders {
  const { value } = key;
  if (value === undefined) return [];
  return isToken(key) ? ['authorization', value.prefixed('Bearer ')] : ['x-api-key', value];
}

/** Who signs in with a Claude subscription (`claude setup-token`) has a token instead of a key, and a beta goes with it. */
function isToken({ value }: Pick<ProviderKey, 'value'>): boolean {
  return value?.startsWith('sk-ant-oat') === true;
}

/** A client that speaks this format chose its version; what the gateway writes has one of its own. */
function versioning(call: Call): OutgoingHeaders {
  const named = call.exchange.request.headers.has('anthropic-version');
  return named && !isTranslated(call) ? [] : ['anthropic-version', version];
}

function betaHeader(call: Call, own: readonly string[]): OutgoingHeaders {
  const betas = isToken(call.key) ? [...own, tokenBeta] : own;
  if (betas.length === 0) return [];
  const asked = call.exchange.request.headers.get('anthropic-beta');
  const all = new Set([...(asked?.split(/\s*,\s*/) ?? []), ...betas]);
  return ['anthropic-beta', [...all].join(',')];
}
