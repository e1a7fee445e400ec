import { z } from 'zod';
import { deferredAdapter } from '../../plugin-sdk/deferred-adapter.ts';
import { editCarriedThinking } from '../../plugin-sdk/dialects/anthropic-messages/carried-thinking.ts';
import type { HostedClaude } from '../../plugin-sdk/dialects/anthropic-messages/hosted-claude.ts';
import { editCarriedSignatures } from '../../plugin-sdk/dialects/gemini-generate-content/carried-signatures.ts';
import { googleAdapters } from '../../plugin-sdk/dialects/google/adapters.ts';
import { anthropicMessages, geminiGenerateContent, google, openaiChat } from '../../plugin-sdk/dialects/index.ts';
import {
  betasOption,
  type Call,
  capabilitiesByModel,
  capabilitiesOption,
  chain,
  type Dialect,
  defineProvider,
  type Key,
  locate,
  type OutgoingHeaders,
  Secret,
  secretString,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import { AccessTokens } from './access-tokens.ts';
import { keysOfMachine, regionOf } from './google-cloud.ts';
import { anyHost, hostOf, locatedModel, place } from './place.ts';
import { claudeVersion, publisherOf } from './publisher.ts';
import { readModels } from './read-models.ts';

const hosting = loadOnUse<typeof import('./hosted-claude.ts')>(import.meta.url, './hosted-claude');
const counting = loadOnUse<typeof import('./count-tokens.ts')>(import.meta.url, './count-tokens');
const embedding = loadOnUse<typeof import('./embeddings.ts')>(import.meta.url, './embeddings');

const tiers: Readonly<Record<string, string>> = { flex: 'flex', priority: 'priority' };

/** Google Vertex AI: Gemini in Google's format, Claude in Anthropic's, other makers' models in OpenAI's. */
export default defineProvider({
  name: 'providers/vertex',
  genAiName: 'gcp.vertex_ai',
  description: 'Google Vertex AI.',
  baseUrl: anyHost,
  otherKeys: keysOfMachine,
  keySource: 'GOOGLE_CLOUD_PROJECT with application-default credentials',
  options: {
    apiVersion: z
      .enum(['v1', 'v1beta1'])
      .default('v1')
      .describe('Version in the paths of calls that the gateway writes.'),
    capabilities: capabilitiesOption,
    betas: betasOption,
  },
  keyFields: {
    project: z.string().optional().describe('Project id; absent: that of the credentials, or GOOGLE_CLOUD_PROJECT.'),
    region: z
      .string()
      .optional()
      .describe('Location, such as us-central1, eu or global; absent: GOOGLE_CLOUD_LOCATION or global.'),
    credentials: z
      .union([secretString, z.looseObject({ type: z.string() }).transform((json) => new Secret(JSON.stringify(json)))])
      .optional()
      .describe(
        'Service-account or other credentials JSON, best as file:PATH. Without it and `value`, the application-default ones.',
      ),
    kind: z.enum(['token', 'api-key']).optional().describe('What `value` is, where its form does not tell.'),
  },
  provider({ baseUrl, keys, apiVersion, capabilities, betas: corrected }, host) {
    let made: HostedClaude | undefined;
    const hosted = (): HostedClaude => (made ??= hosting().claudeOnVertex(corrected));
    const tokens = new AccessTokens(host);
    for (const key of keys) tokens.check(key);
    const gemini = capabilitiesByModel({ flavour: 'vertex' }, capabilities);
    const claude = capabilitiesByModel({ inlineMedia: true, choices: false }, capabilities);
    const baseOf = (key: Key): string => (baseUrl === anyHost ? hostOf(regionOf(key)) : baseUrl);
    const whereOf = (key: Key) => ({
      project:
        tokens.apiKeyOf(key) === undefined ? tokens.projectOf(key) : (key.settings['project'] as string | undefined),
      region: regionOf(key),
    });
    return {
      speaks: {
        '*': [google],
        chat: [geminiGenerateContent, anthropicMessages],
        responses: [geminiGenerateContent, anthropicMessages],
        completions: [geminiGenerateContent, anthropicMessages],
      },
      // The Gemini API's own verbs for embeddings are not Vertex's.
      dialectsFor: (operation, model) =>
        isChat(operation) ? [dialectOf(model)] : operation === 'embeddings' ? [] : undefined,
      withheldHeaders: ['x-goog-user-project', 'anthropic-beta'],
      endpoint: (call) => ({
        ...locate(baseOf(call.key), place(call, whereOf(call.key), apiVersion)),
        headers: [...apiKey(tokens, call.key), ...tier(call), ...betaHeader(call, hosted)],
      }),
      authorize: (request, key) =>
        tokens.apiKeyOf(key) !== undefined
          ? request
          : chain(tokens.of(key), (headers) => ({ ...request, headers: [...request.headers, ...headers] })),
      unauthorized: (key, { status }) => status === 401 && tokens.drop(key),
      editBody(call, body) {
        if (call.dialect === geminiGenerateContent) editCarriedSignatures(call, body);
        if (call.dialect !== anthropicMessages || call.passthrough) return;
        editCarriedThinking(call, body);
        hosted().fit(call.exchange, body);
        body.remove('model');
        if (body.get('anthropic_version') === undefined) body.set('anthropic_version', claudeVersion);
      },
      editPassthrough(call, body) {
        const model = locatedModel(body.get('model'), whereOf(call.key));
        if (model !== undefined) body.set('model', model);
      },
      capabilities: (model) => (publisherOf(model) === 'anthropic' ? claude(model) : gemini(model)),
      adapters: {
        ...googleAdapters,
        embeddings: deferredAdapter(() => embedding().embeddings),
        count_tokens: deferredAdapter(() => counting().countTokens(hosted())),
      },
      models: ({ key, get }) => readModels((path) => get(baseOf(key) + path, apiKey(tokens, key))),
    };
  },
});

function isChat(operation: string): boolean {
  return operation === 'chat' || operation === 'responses' || operation === 'completions';
}

function dialectOf(model: string): Dialect {
  const publisher = publisherOf(model);
  if (publisher === 'anthropic') return anthropicMessages;
  return publisher === 'google' ? geminiGenerateContent : openaiChat;
}

function apiKey(tokens: AccessTokens, key: Key): OutgoingHeaders {
  const value = tokens.apiKeyOf(key);
  return value === undefined ? [] : ['x-goog-api-key', value];
}

/** A native client's own, or those that Claude has here. */
function betaHeader(call: Call, hosted: () => HostedClaude): OutgoingHeaders {
  const asked = call.exchange.request.headers.get('anthropic-beta');
  if (asked === undefined) return [];
  if (call.passthrough) return ['anthropic-beta', asked];
  return call.dialect === call.exchange.dialect && call.dialect === anthropicMessages
    ? hosted().header(call.exchange)
    : [];
}

/** Where the Gemini API has a field, Vertex has a header (wire facts 4.3). */
function tier(call: Call): OutgoingHeaders {
  if (call.passthrough || call.dialect !== geminiGenerateContent || call.exchange.dialect === geminiGenerateContent)
    return [];
  const word = tiers[call.exchange.conversation().serviceTier ?? ''];
  return word === undefined ? [] : ['x-vertex-ai-llm-shared-request-type', word];
}
