import { hookNames } from '../plugin-sdk/index.ts';
import { didYouMean } from './config/did-you-mean.ts';

const members: readonly string[] = ['hooks', 'routes', 'provider', 'ports', 'commands', 'teardown'];

/** What is wrong with what a plugin's `setup` gave, if anything: what types catch in TypeScript, JavaScript gets wrong. */
export function instanceFault(instance: unknown): string | undefined {
  if (typeof instance !== 'object' || instance === null) return 'setup returned nothing';
  for (const name of Object.keys(instance)) {
    if (members.includes(name)) continue;
    const guess = didYouMean(name, members);
    return `setup returned ${name}, which nothing reads${guess === undefined ? '' : `; perhaps ${guess} is meant`}`;
  }
  const {
    hooks = {},
    routes = [],
    provider,
    ports = [],
    commands = {},
    teardown,
  } = instance as Record<string, unknown>;
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks)) return 'hooks must be an object';
  for (const [name, ordered] of Object.entries(hooks)) {
    const fault = hookFault(name, ordered);
    if (fault !== undefined) return fault;
  }
  if (!Array.isArray(routes)) return 'routes must be a list';
  for (const route of routes) {
    const fault = routeFault((route ?? {}) as Record<string, unknown>);
    if (fault !== undefined) return fault;
  }
  if (!Array.isArray(ports) || !ports.every(isBinding)) return 'ports must be a list of what bind gives';
  for (const [name, command] of Object.entries(commands ?? {}))
    if (typeof command !== 'function') return `the command ${name} must be a function`;
  if (teardown !== undefined && typeof teardown !== 'function') return 'teardown must be a function';
  return provider === undefined ? undefined : providerFault(provider);
}

function isBinding(binding: unknown): boolean {
  const { port, implementation } = (binding ?? {}) as { port?: { capability?: unknown }; implementation?: unknown };
  return typeof port?.capability === 'string' && implementation !== undefined;
}

function providerFault(provider: unknown): string | undefined {
  if (typeof provider !== 'object' || provider === null) return 'provider must be an object';
  const { name, baseUrl, keys, speaks, endpoint } = provider as Record<string, unknown>;
  const needed: Readonly<Record<string, boolean>> = {
    name: typeof name === 'string',
    baseUrl: typeof baseUrl === 'string',
    keys: Array.isArray(keys),
    speaks: typeof speaks === 'object' && speaks !== null,
    endpoint: typeof endpoint === 'function',
  };
  const missing = Object.keys(needed).find((member) => needed[member] === false);
  if (missing !== undefined) return `provider needs ${missing}; defineProvider makes a whole one`;
  const odd = Object.entries(speaks as object).find(
    ([, dialects]) => dialects !== undefined && !Array.isArray(dialects),
  );
  return odd === undefined ? undefined : `speaks of ${odd[0]} must be a list of dialects`;
}

function hookFault(name: string, ordered: unknown): string | undefined {
  if (!(hookNames as readonly string[]).includes(name)) {
    const guess = didYouMean(name, hookNames);
    return guess === undefined ? `there is no hook ${name}` : `there is no hook ${name}, perhaps ${guess} is meant`;
  }
  if (ordered === undefined) return undefined;
  let handler = ordered as {
    order?: unknown;
    handler?: unknown;
    json?: unknown;
    stream?: unknown;
    usage?: unknown;
  } | null;
  if (typeof handler === 'object' && handler !== null && 'handler' in handler) {
    if (handler.order !== 'pre' && handler.order !== 'post') return `the order of ${name} must be "pre" or "post"`;
    handler = handler.handler as typeof handler;
  }
  if (name !== 'transformResponse') return typeof handler === 'function' ? undefined : `${name} must be a function`;
  const hasBothFaces = typeof handler?.json === 'function' && typeof handler.stream === 'function';
  if (!hasBothFaces) return 'transformResponse must have both faces, json and stream';
  const isUsage = handler?.usage === undefined || typeof handler.usage === 'function';
  return isUsage ? undefined : 'usage of transformResponse must be a function';
}

function routeFault({ type, method, path, guard, dialect, ...rest }: Record<string, unknown>): string | undefined {
  const isKnown = type === 'exchange' || type === 'handler';
  if (!isKnown || typeof method !== 'string' || typeof path !== 'string' || !path.startsWith('/'))
    return 'a route needs a type, a method and a path that starts with /';
  const endpoint = `${method} ${path}`;
  if (type === 'handler') {
    if (typeof rest['handler'] !== 'function') return `${endpoint} needs a handler`;
    return isGuard(guard)
      ? undefined
      : `${endpoint} needs a guard: { admin: "read" or "write" }, { caller } or { public: true }`;
  }
  if (typeof dialect !== 'object' || dialect === null) return `${endpoint} needs a dialect`;
  const missing = ['operation', 'defaultProvider', 'strip'].find((field) => typeof rest[field] !== 'string');
  return missing === undefined ? undefined : `${endpoint} needs ${missing}`;
}

function isGuard(guard: unknown): boolean {
  const { admin, caller, public: isPublic } = (guard ?? {}) as { admin?: unknown; caller?: unknown; public?: unknown };
  return admin === 'read' || admin === 'write' || typeof caller === 'string' || isPublic === true;
}
