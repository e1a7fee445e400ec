import { z } from 'zod';
import { deferredAdapter } from './deferred-adapter.ts';
import type { PluginDefinition } from './define-plugin.ts';
import { defineProvider } from './define-provider.ts';
import type { Dialect } from './dialects/dialect.ts';
import { openai, openaiChat, openaiCompletions, openaiResponses } from './dialects/index.ts';
import { openaiQuirks } from './dialects/openai/quirks.ts';
import type { ChatCapabilities } from './dialects/openai-chat/capabilities.ts';
import { offersCustomTools } from './dialects/openai-chat/offers-custom-tools.ts';
import type { OutgoingHeaders } from './headers.ts';
import type { JsonObject } from './json.ts';
import { loadOnUse } from './load-on-use.ts';
import { capabilitiesByModel } from './model-capabilities.ts';
import type { Operation } from './operations.ts';
import type { BodyEditor, Call, ModelInfo, Provider, ReplyQuirks } from './provider.ts';

const proofs = loadOnUse<typeof import('./dialects/openai-chat/foreign-proofs.ts')>(
  import.meta.url,
  './dialects/openai-chat/foreign-proofs',
);
const embedding = loadOnUse<typeof import('./dialects/openai/embeddings.ts')>(
  import.meta.url,
  './dialects/openai/embeddings',
);
const fitting = loadOnUse<typeof import('./dialects/openai-chat/fit-request.ts')>(
  import.meta.url,
  './dialects/openai-chat/fit-request',
);

/** A provider that speaks OpenAI's formats with differences small enough to be data. */
export interface OpenAICompatibleDefinition {
  /** Its id, such as `providers/groq`. */
  readonly name: string;
  readonly description?: string;
  readonly baseUrl?: string;
  readonly environment?: readonly string[];
  readonly keyless?: boolean;
  readonly genAiName?: string;
  /** Between base URL and endpoint; `/v1` unless said. */
  readonly apiPath?: string;
  /** Operations it serves beyond chat and its model list. */
  readonly operations?: readonly Operation[];
  /** Has a Responses endpoint of its own. */
  readonly responses?: boolean;
  /** What its chat renames, refuses or says otherwise; holds for carried and translated calls alike. */
  readonly chat?: ChatCapabilities;
  /** What single models of it do otherwise: name (a trailing `*` for a prefix) to what replaces `chat` there. */
  readonly models?: Readonly<Record<string, ChatCapabilities>>;
  /** Further edits of a JSON request. */
  readonly edit?: (call: Call, body: BodyEditor) => void;
  /** What its replies need beyond {@link openaiQuirks}. */
  readonly quirks?: ReplyQuirks;
  /** Headers it wants besides authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Defines an OpenAI-compatible provider from data. */
export function defineOpenAICompatible(definition: OpenAICompatibleDefinition): PluginDefinition {
  const { name, description, baseUrl, environment, keyless, quirks = openaiQuirks } = definition;
  return defineProvider({
    name,
    ...(description === undefined ? {} : { description }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(environment === undefined ? {} : { environment }),
    ...(keyless === undefined ? {} : { keyless }),
    ...(definition.genAiName === undefined ? {} : { genAiName: definition.genAiName }),
    options: {
      apiPath: z
        .string()
        .default(definition.apiPath ?? '/v1')
        .describe('Path between base URL and endpoint.'),
      headers: z.record(z.string(), z.string()).default({}).describe('Headers for every call to this provider.'),
      drops: z.array(z.string()).default([]).describe('Top-level chat fields to leave out, besides the known ones.'),
    },
    provider(options) {
      const chat: ChatCapabilities = {
        allowedTools: false,
        customTools: false,
        ...definition.chat,
        ...(definition.chat?.fileUrls === true ? {} : { inlineMedia: { kinds: ['file'] } }),
        refuses: [...(definition.chat?.refuses ?? []), ...options.drops],
      };
      const chatOf = capabilitiesByModel({ ...chat }, { ...definition.models } as Record<
        string,
        Record<string, unknown>
      >);
      const { thinkTags: _, ...ofRequests } = definition.chat ?? {};
      const fits = Object.keys(ofRequests).length > 0 || options.drops.length > 0;
      const apiPath = versionPath(options.baseUrl, options.apiPath);
      const fixedHeaders: OutgoingHeaders = Object.entries({ ...definition.headers, ...options.headers }).flat();
      return {
        speaks: spoken(definition),
        quirks,
        adapters: definition.operations?.includes('embeddings') ? embeddingsForAll : {},
        capabilities: chatOf,
        // A server of which nothing is known may have free-text tools.
        translates: ({ operation, dialect, request }) =>
          fits &&
          chat.customTools === false &&
          operation === 'chat' &&
          dialect === openaiChat &&
          offersCustomTools(request.body),
        endpoint: (call) => ({
          ...locate(options.baseUrl, `${apiPath}${pathOf(call)}${queryOf(call)}`),
          headers:
            call.key.value === undefined
              ? fixedHeaders
              : [...fixedHeaders, 'authorization', call.key.value.prefixed('Bearer ')],
        }),
        editBody(call, body) {
          nameModel(call, body);
          if (fits && call.dialect === openaiChat) fitting().fitRequest(body, chatOf(call.model));
          definition.edit?.(call, body);
        },
        models: async ({ key, get }) =>
          readModels(
            await get(
              `${apiPath}/models`,
              key.value === undefined ? [] : ['authorization', key.value.prefixed('Bearer ')],
            ),
          ),
      };
    },
  });
}

/** What providers of OpenAI's format serve to clients of others beyond chat. */
export const embeddingsForAll: NonNullable<Provider['adapters']> = {
  embeddings: deferredAdapter(() => embedding().embeddings),
};

function spoken(definition: OpenAICompatibleDefinition): Provider['speaks'] {
  const speaks: Partial<Record<Operation | '*', readonly Dialect[]>> = { chat: [openaiChat], models: [openai] };
  // Without an endpoint of its own, Responses is translated to chat.
  speaks.responses = definition.responses ? [openaiResponses] : [openaiChat];
  // So is a completion.
  speaks.completions = [openaiChat];
  for (const operation of definition.operations ?? [])
    speaks[operation] = [operation === 'completions' ? openaiCompletions : openai];
  speaks.passthrough = [openai];
  return speaks;
}

/** What to put between base URL and endpoint: nothing where the base URL was given with its version. */
export function versionPath(baseUrl: string, apiPath: string): string {
  return apiPath !== '' && baseUrl.endsWith(apiPath) ? '' : apiPath;
}

/** The client's own path or an adapter's, or that of the dialect to which a chat was translated. */
export function pathOf(call: Call): string {
  if (!isTranslated(call)) return call.path;
  return call.dialect === openaiResponses ? '/responses' : '/chat/completions';
}

/** An Azure-style path may be the only place where the client names its model; these providers look for it in the body. */
export function nameModel(call: Call, body: BodyEditor): void {
  if (
    call.model !== '' &&
    call.exchange.request.body.member('model') === undefined &&
    call.exchange.model !== undefined
  ) {
    if (body.get('model') === undefined) body.set('model', call.model);
  }
}

/**
 * What OpenAI and Azure are sent is the client's own body, with a model where it names none. Where it offers tools, or was
 * meant for another target first, its history may hold proofs of other makers, which they refuse.
 */
export function editCarried(call: Call, body: BodyEditor): void {
  nameModel(call, body);
  if (call.dialect !== openaiChat) return;
  const { request, targets } = call.exchange;
  if (request.body.kind !== 'bytes') return;
  const { topLevel, pieces } = request.body;
  const mayHoldProofs = topLevel.members.has('tools') || (targets?.length ?? 0) > 1;
  // Bodies are parsed for it only where there is one.
  if (mayHoldProofs && pieces.mention(proofSigns)) proofs().dropForeignProofs(body);
}

const proofSigns = ['"extra_content"'];

function isTranslated({ dialect, exchange }: Call): boolean {
  return dialect !== exchange.dialect && dialect.chat !== undefined;
}

/**
 * The client's query, but for the `api-version` that the AzureOpenAI client adds to every call: it means nothing here. What
 * clients of another vendor say in theirs is for that vendor.
 */
export function queryOf(call: Call): string {
  if (call.passthrough) return call.query;
  return isTranslated(call) && !call.exchange.dialect.id.startsWith('openai.') ? '' : withoutApiVersion(call.query);
}

function withoutApiVersion(query: string): string {
  if (!query.includes('api-version=')) return query;
  const rest = query
    .slice(1)
    .split('&')
    .filter((pair) => !pair.startsWith('api-version='));
  return rest.length === 0 ? '' : `?${rest.join('&')}`;
}

/** Splits a base URL with a path into what a request needs. */
export function locate(baseUrl: string, path: string): { origin: string; path: string } {
  const slash = baseUrl.indexOf('/', baseUrl.indexOf('//') + 2);
  return slash < 0 ? { origin: baseUrl, path } : { origin: baseUrl.slice(0, slash), path: baseUrl.slice(slash) + path };
}

/** Reads an OpenAI-shaped model list; also the bare array that some servers give. */
export function readModels(json: JsonObject): ModelInfo[] {
  const data = Array.isArray(json) ? json : Array.isArray(json['data']) ? json['data'] : [];
  return data.flatMap((entry) => {
    const model = entry as JsonObject;
    if (typeof model?.['id'] !== 'string') return [];
    const created = model['created'];
    const owner = model['owned_by'];
    return [
      {
        id: model['id'],
        created: typeof created === 'number' ? Math.trunc(created) : 0,
        ownedBy: typeof owner === 'string' ? owner : '',
      },
    ];
  });
}
