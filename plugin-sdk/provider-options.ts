import { z } from 'zod';
import type { ProviderKey } from './provider.ts';
import { Secret } from './secret.ts';

/** A string in the config that is a credential: usually `env.NAME` or `file:PATH`. */
export const secretString = z
  .string()
  .min(1, 'expected a credential, best as env.NAME or file:PATH')
  .refine((value) => shellVariable(value) === undefined, {
    error: ({ input }) => `expected env.${shellVariable(input as string)}: that is how the config names a variable`,
  })
  .transform((value) => new Secret(value));

/** The name in `$NAME`, `${NAME}` and `${env:NAME}`, which other tools replace and which no credential looks like. */
function shellVariable(text: string): string | undefined {
  return /^\$(?:\{(?:env[:.])?([A-Z_][A-Z0-9_]*)\}|([A-Z_][A-Z0-9_]*))$/.exec(text)?.slice(1).find(Boolean);
}

/** Fields that every provider's keys have; a provider adds its own (azure `endpoint`, bedrock `region`, …). */
export const keyShape = {
  name: z.string().min(1).describe('Name in records, metrics and x-bf-api-key; never the value.'),
  value: secretString.optional().describe('The credential, best as env.NAME or file:PATH.'),
  weight: z.number().min(0).default(1).describe('Share of the traffic among the keys that may serve a model.'),
  models: z
    .array(z.string())
    .default(['*'])
    .describe('Models this key may serve; `*` for all, a trailing `*` for a prefix.'),
  blockedModels: z.array(z.string()).default([]).describe('Models this key may not serve; wins over `models`.'),
  aliases: z
    .record(z.string(), z.string())
    .default({})
    .describe("Client's model name to the provider's deployment or model id."),
  enabled: z.boolean().default(true),
} as const;

export type KeyOptions = z.output<z.ZodObject<typeof keyShape>>;

const commonFields = new Set(Object.keys(keyShape));

/** Parts a checked key option into what all providers share and the settings of one. */
export function toProviderKey(options: KeyOptions & Record<string, unknown>): ProviderKey {
  const { name, value, weight, models, blockedModels, aliases, enabled } = options;
  const settings = Object.fromEntries(Object.entries(options).filter(([field]) => !commonFields.has(field)));
  return { name, value, weight, models, blockedModels, aliases, enabled, settings };
}

/** Values of the environment variables that are set, by field. */
export function settingsFromEnvironment(variables: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([field, name]) => (process.env[name] ? [[field, process.env[name]]] : [])),
  );
}

/** One key made from the first of these environment variables that is set; none when none is. */
export function keysFromEnvironment(
  variables: readonly string[],
  settings: Record<string, unknown> = {},
): ProviderKey[] {
  for (const variable of variables) {
    const value = process.env[variable];
    if (value === undefined || value === '') continue;
    return [
      {
        name: variable,
        value: new Secret(value),
        weight: 1,
        models: ['*'],
        blockedModels: [],
        aliases: {},
        enabled: true,
        settings,
      },
    ];
  }
  return [];
}

/**
 * True for a host that can only lie in a private network: a private address, `localhost`, a name without a dot or with a
 * suffix that public DNS does not serve. A config that names such a host thereby allows it to that provider.
 */
export function isPrivateName(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (
    /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(host)
  )
    return true;
  if (host === '::1' || /^f[cd]|^fe80/i.test(host)) return true;
  return !host.includes('.') || /\.(localhost|local|internal|svc|lan|intranet|home\.arpa)$/i.test(host);
}

/** Splits a base URL with a path into what a request needs. */
export function locate(baseUrl: string, path: string): { origin: string; path: string } {
  const slash = baseUrl.indexOf('/', baseUrl.indexOf('//') + 2);
  return slash < 0 ? { origin: baseUrl, path } : { origin: baseUrl.slice(0, slash), path: baseUrl.slice(slash) + path };
}
