import { hash } from 'node:crypto';
import { type Host, isObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { sorted } from './canonical.ts';

const changing = ['transformRequest', 'transformResponse', 'execute'];

/** A digest of the plugins that may change what is asked or answered, with their options: another set, another cache. */
export function contentVersion(host: Host): string {
  const { hooks, config } = host.inspect();
  const plugins = isObject(config) && isObject(config['plugins']) ? config['plugins'] : {};
  const ids = new Set(hooks.filter(({ hook }) => changing.includes(hook)).flatMap(({ plugins: loaded }) => loaded));
  ids.delete(host.plugin);
  const parts = [...ids].sort().map((id): JsonValue => [id, plugins[id] ?? null]);
  return hash('sha256', sorted(JSON.parse(JSON.stringify(parts)) as JsonValue), 'hex').slice(0, 16);
}
