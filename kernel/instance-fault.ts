import { hookNames } from '../plugin-sdk/index.ts';

/** What is wrong with what a plugin's `setup` gave, if anything: what types catch in TypeScript, JavaScript gets wrong. */
export function instanceFault(instance: unknown): string | undefined {
  if (typeof instance !== 'object' || instance === null) return 'setup returned nothing';
  const { hooks = {}, routes = [] } = instance as { hooks?: unknown; routes?: unknown };
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks)) return 'hooks must be an object';
  for (const [name, ordered] of Object.entries(hooks)) {
    const fault = hookFault(name, ordered);
    if (fault !== undefined) return fault;
  }
  if (!Array.isArray(routes)) return 'routes must be a list';
  return routes.every(isRoute) ? undefined : 'a route needs a type, a method and a path that starts with /';
}

function hookFault(name: string, ordered: unknown): string | undefined {
  if (!(hookNames as readonly string[]).includes(name)) return `there is no hook ${name}`;
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

function isRoute(route: unknown): boolean {
  const { type, method, path } = (route ?? {}) as { type?: unknown; method?: unknown; path?: unknown };
  const isKnown = type === 'exchange' || type === 'handler';
  return isKnown && typeof method === 'string' && typeof path === 'string' && path.startsWith('/');
}
