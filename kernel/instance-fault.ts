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
  const { hooks = {}, routes = [] } = instance as { hooks?: unknown; routes?: unknown };
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
  return undefined;
}

function hookFault(name: string, ordered: unknown): string | undefined {
  if (!(hookNames as readonly string[]).includes(name)) {
    const guess = didYouMean(name, hookNames);
    return guess === undefined ? `there is no hook ${name}` : `there is no hook ${name}, perhaps ${guess} is meant`;
  }
  if (ordered === undefined) return undefined;
  let handler = ordered as { order?: unknown; handler?: unknown; json?: unknown; stream?: unknown } | null;
  if (typeof handler === 'object' && handler !== null && 'handler' in handler) {
    if (handler.order !== 'pre' && handler.order !== 'post') return `the order of ${name} must be "pre" or "post"`;
    handler = handler.handler as typeof handler;
  }
  if (name !== 'transformResponse') return typeof handler === 'function' ? undefined : `${name} must be a function`;
  const hasBothFaces = typeof handler?.json === 'function' && typeof handler.stream === 'function';
  return hasBothFaces ? undefined : 'transformResponse must have both faces, json and stream';
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
