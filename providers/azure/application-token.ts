import { readFileSync } from 'node:fs';
import { type Dated, type Host, isPrivateName, type Key, Secret } from '../../plugin-sdk/index.ts';
import { requestToken } from './token-reply.ts';

const publicCloud = 'https://login.microsoftonline.com';

/** What tokens are for unless a key says otherwise. */
export const defaultScope = 'https://cognitiveservices.azure.com/.default';

/**
 * The token of an Entra application: with its secret, or with the token that Kubernetes puts into a file for its pods
 * (`identity: "workload"`), which changes and is read each time.
 *
 * Microsoft identity platform, "OAuth 2.0 client credentials flow", first and third case; the variables are those that the
 * workload identity webhook of AKS sets.
 */
export function applicationToken(
  host: Host,
  authority: string | undefined,
  settings: Key['settings'],
): Promise<Dated<Secret>> {
  const isWorkload = settings['identity'] === 'workload';
  const tenant = named(settings['tenantId'], isWorkload, 'AZURE_TENANT_ID');
  const client = named(settings['clientId'], isWorkload, 'AZURE_CLIENT_ID');
  const base = authority ?? (isWorkload ? process.env['AZURE_AUTHORITY_HOST'] : undefined) ?? publicCloud;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    ...(isWorkload ? assertion() : { client_secret: Secret.reveal(settings['clientSecret'] as Secret) }),
    scope: String(settings['scope'] ?? defaultScope),
  });
  return requestToken(host, {
    who: 'Entra',
    url: new URL(`${base.replace(/\/+$/, '')}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`),
    headers: ['content-type', 'application/x-www-form-urlencoded'],
    form,
    privateAddresses: isPrivateName(base),
  });
}

function assertion(): Record<string, string> {
  const file = named(undefined, true, 'AZURE_FEDERATED_TOKEN_FILE');
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: readFileSync(file, 'utf8').trim(),
  };
}

function named(setting: unknown, mayBeInEnvironment: boolean, variable: string): string {
  const value = setting ?? (mayBeInEnvironment ? process.env[variable] : undefined);
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`${variable} is not set: this process has no workload identity`);
}
