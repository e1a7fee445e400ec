import { setTimeout as sleep } from 'node:timers/promises';
import { type Dated, type Host, isPrivateName, type Key, Secret } from '../../plugin-sdk/index.ts';
import { defaultScope } from './application-token.ts';
import { requestToken, TokenRefusal } from './token-reply.ts';

/** A machine that was just given its identity is told of it a little later. */
const waitsMs = [200, 800, 1_600];
const notYet = (status: number): boolean => status === 404 || status === 410 || status === 429 || status >= 500;

/**
 * The token of the managed identity that App Service, Container Apps or Functions (by `IDENTITY_ENDPOINT`) or a virtual
 * machine (by its metadata service) gives to what runs there. `clientId` names one of several.
 *
 * "How to use managed identities for App Service", REST endpoint reference, 2019-08-01; "How to use managed identities for
 * Azure resources on an Azure VM to acquire an access token", 2018-02-01, with its words on which failures to try again.
 */
export async function machineToken(host: Host, settings: Key['settings']): Promise<Dated<Secret>> {
  const ask = process.env['IDENTITY_ENDPOINT'] ? fromService : fromMetadata;
  const query = new URLSearchParams({
    resource: String(settings['scope'] ?? defaultScope).replace(/\/\.default$/, ''),
    ...(typeof settings['clientId'] === 'string' ? { client_id: settings['clientId'] } : {}),
  });
  for (const wait of waitsMs) {
    try {
      return await ask(host, query);
    } catch (error) {
      if (!(error instanceof TokenRefusal) || !notYet(error.status)) throw error;
      await sleep(wait);
    }
  }
  return ask(host, query);
}

function fromService(host: Host, query: URLSearchParams): Promise<Dated<Secret>> {
  const { IDENTITY_ENDPOINT: endpoint = '', IDENTITY_HEADER: header = '' } = process.env;
  const url = new URL(endpoint);
  url.search = `?${query}&api-version=2019-08-01`;
  return requestToken(host, {
    who: 'The identity endpoint',
    url,
    headers: ['x-identity-header', new Secret(header)],
    privateAddresses: true,
  });
}

function fromMetadata(host: Host, query: URLSearchParams): Promise<Dated<Secret>> {
  const base = process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? 'http://169.254.169.254';
  return requestToken(host, {
    who: 'The metadata service',
    url: new URL(`${base.replace(/\/+$/, '')}/metadata/identity/oauth2/token?${query}&api-version=2018-02-01`),
    headers: ['metadata', 'true'],
    privateAddresses: isPrivateName(base),
  });
}
