import { GatewayError } from '../../plugin-sdk/index.ts';

/** Decides which calls may pass. Throws GatewayError GUARD_BLOCKED for one that may not. */
export type Allow = (method: string, path: string) => void;

/**
 * Makes the check from entries such as `POST /v1/chat/completions` or `GET /v1/files/*`: a method or `*`, and a
 * provider-native path in which `*` stands for anything. Without entries everything may pass.
 */
export function allowList(plugin: string, entries: readonly string[] | undefined): Allow {
  if (entries === undefined) return () => undefined;
  const patterns = entries.map((entry) => {
    const [method = '*', path = '*'] = entry.split(/\s+/, 2);
    return { method: method.toUpperCase(), path: new RegExp(`^${path.split('*').map(RegExp.escape).join('.*')}$`) };
  });
  return (method, path) => {
    if (patterns.some((pattern) => (pattern.method === '*' || pattern.method === method) && pattern.path.test(path)))
      return;
    throw new GatewayError('GUARD_BLOCKED', { rule: `the allow-list of ${plugin}` });
  };
}
