import { z } from 'zod';
import { defineProvider } from './define-provider.ts';
import { locate } from './provider-options.ts';
import type { PluginDefinition } from './define-plugin.ts';
import type { Dialect } from './dialects/dialect.ts';
import { openai } from './dialects/openai/index.ts';
import { openaiChat } from './dialects/openai-chat/index.ts';
import { openaiResponses } from './dialects/openai-responses/index.ts';
import type { JsonObject } from './json.ts';
import type { OutgoingHeaders } from './headers.ts';
import type { Operation } from './operations.ts';
import type { BodyEditor, Call, ModelInfo, Provider, ReplyQuirks } from './provider.ts';

/** A provider that speaks OpenAI's formats with differences small enough to be data. */
export interface OpenAICompatibleDefinition {
  /** Its id, such as `providers/groq`. */
  readonly name: string;
  readonly description?: string;
  readonly baseUrl?: string;
  readonly environment?: readonly string[];
  readonly keyless?: boolean;
  /** Between base URL and endpoint; `/v1` unless said. */
  readonly apiPath?: string;
  /** Operations it serves beyond chat. */
  readonly operations?: readonly Operation[];
  /** Has a Responses endpoint of its own. */
  readonly responses?: boolean;
  /** Top-level request fields it refuses. */
  readonly drops?: readonly string[];
  /** Top-level request fields it calls otherwise. */
  readonly renames?: Readonly<Record<string, string>>;
  /** Keeps only these top-level fields, where it refuses all others. */
  readonly accepts?: readonly string[];
  /** Further byte edits of a chat request. */
  readonly edit?: (call: Call, body: BodyEditor) => void;
  readonly quirks?: ReplyQuirks;
  /** Headers it wants besides authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Defines an OpenAI-compatible provider from data. */
export function defineOpenAICompatible(definition: OpenAICompatibleDefinition): PluginDefinition {
  const { name, description, baseUrl, environment, keyless } = definition;
  return defineProvider({
    name,
    ...(description === undefined ? {} : { description }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(environment === undefined ? {} : { environment }),
    ...(keyless === undefined ? {} : { keyless }),
    options: {
      apiPath: z.string().default(definition.apiPath ?? '/v1').describe('Path between base URL and endpoint.'),
      headers: z.record(z.string(), z.string()).default({}).describe('Headers for every call to this provider.'),
      drops: z.array(z.string()).default([]).describe('Top-level request fields to leave out, besides the known ones.'),
    },
    provider(options) {
      const drops = [...(definition.drops ?? []), ...options.drops];
      const fixedHeaders: OutgoingHeaders = Object.entries({ ...definition.headers, ...options.headers }).flat();
      return {
        speaks: spoken(definition),
        endpoint: (call) => ({
          ...locate(options.baseUrl, `${options.apiPath}${call.path}${call.query}`),
          headers: call.key.value === undefined ? fixedHeaders : [...fixedHeaders, 'authorization', call.key.value.prefixed('Bearer ')],
        }),
        editBody: needsEdit(definition, drops) ? (call, body) => edit(definition, drops, call, body) : noEdit,
        models: async ({ key, get }) =>
          readModels(
            await get(`${options.apiPath}/models`, key.value === undefined ? [] : ['authorization', key.value.prefixed('Bearer ')]),
          ),
        ...(definition.quirks === undefined ? {} : { quirks: definition.quirks }),
      };
    },
  });
}

const noEdit = (): void => {};

function spoken(definition: OpenAICompatibleDefinition): Provider['speaks'] {
  const speaks: Partial<Record<Operation | '*', readonly Dialect[]>> = { chat: [openaiChat], models: [openai] };
  // Responses and legacy completions reach a provider without them through the translation to chat.
  speaks.responses = definition.responses ? [openaiResponses] : [openaiChat];
  for (const operation of definition.operations ?? []) speaks[operation] = [openai];
  speaks.passthrough = [openai];
  return speaks;
}

function needsEdit(definition: OpenAICompatibleDefinition, drops: readonly string[]): boolean {
  return drops.length > 0 || definition.renames !== undefined || definition.accepts !== undefined || definition.edit !== undefined;
}

function edit(definition: OpenAICompatibleDefinition, drops: readonly string[], call: Call, body: BodyEditor): void {
  for (const [from, to] of Object.entries(definition.renames ?? {})) body.rename(from, to);
  for (const field of drops) {
    if (body.get(field) === undefined) continue;
    body.remove(field);
    body.lost(field);
  }
  if (definition.accepts !== undefined) {
    for (const field of Object.keys(body.json())) {
      if (definition.accepts.includes(field)) continue;
      body.remove(field);
      body.lost(field);
    }
  }
  definition.edit?.(call, body);
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
