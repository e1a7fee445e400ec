import type { Logger, ProviderKey } from '../../plugin-sdk/index.ts';

/**
 * The keys that can be used. Throws for a configured key that names no endpoint or no credential; a key that only the
 * environment has is left out with a warning instead, since nobody asked for it.
 */
export function checkKeys(
  keys: readonly ProviderKey[],
  endpoint: string | undefined,
  log: Logger,
): readonly ProviderKey[] {
  return keys.filter((key) => {
    const problem = problemOf(key, endpoint);
    if (problem === undefined) return true;
    if (key.name !== 'AZURE_OPENAI_API_KEY') throw new Error(`the key ${key.name} ${problem}`);
    log.warn({ key: key.name }, `the key from the environment is not used: it ${problem}`);
    return false;
  });
}

function problemOf({ value, settings }: ProviderKey, endpoint: string | undefined): string | undefined {
  if (settings['endpoint'] === undefined && endpoint === undefined) {
    return 'has no endpoint: give `endpoint`, such as https://NAME.openai.azure.com (AZURE_OPENAI_ENDPOINT in the environment)';
  }
  const entra = ['tenantId', 'clientId', 'clientSecret'].filter((field) => settings[field] === undefined);
  if (settings['identity'] !== undefined) return besideIdentity(value, settings);
  if (value !== undefined && entra.length === 3) return undefined;
  if (entra.length === 3)
    return 'has no credential: give `value`, or tenantId, clientId and clientSecret, or `identity`';
  return entra.length === 0 ? undefined : `has an incomplete Entra application: ${entra.join(' and ')} missing`;
}

/** An identity takes nothing that is secret, and a managed one belongs to its own tenant. */
function besideIdentity(value: ProviderKey['value'], settings: ProviderKey['settings']): string | undefined {
  const unused = settings['identity'] === 'managed' ? ['clientSecret', 'tenantId'] : ['clientSecret'];
  const given = unused.filter((field) => settings[field] !== undefined);
  if (value !== undefined) given.unshift('value');
  return given.length === 0
    ? undefined
    : `has ${given.join(' and ')} beside identity "${String(settings['identity'])}": keep one of them`;
}
