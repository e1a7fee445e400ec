import { existsSync } from 'node:fs';
import {
  type Dated,
  Expiring,
  GatewayError,
  type Host,
  instanceName,
  isGatewayError,
  type Key,
  type MaybePromise,
  type ProviderKey,
  Secret,
} from '../../plugin-sdk/index.ts';
import { containerRole, instanceRole, webIdentityRole } from './machine-roles.ts';
import { credentialsFile, readProfile } from './shared-files.ts';
import type { AwsIdentity } from './sign.ts';

const environment = process.env;

/** One key without a value, when something on this machine says who to be at AWS. */
export function keysOfMachine(): readonly ProviderKey[] {
  const signs = [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  ];
  if (!signs.some((name) => environment[name]) && !existsSync(credentialsFile())) return [];
  const common = { value: undefined, weight: 1, models: ['*'], blockedModels: [], aliases: {}, enabled: true };
  return [{ name: 'aws', ...common, settings: {} }];
}

/**
 * Who signs the calls of a key: its static credentials, or what the default chain finds: environment, web identity,
 * shared files, container role, instance role. Of the shared files static keys are read; `sso`, `role_arn` and
 * `credential_process` are not.
 */
export class AwsCredentials {
  readonly #host: Host;
  /** By the settings of a key, which are the same object for every call with it. */
  readonly #found = new WeakMap<Key['settings'], Expiring<AwsIdentity>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Throws GatewayError UP_AUTH. */
  of(key: Pick<Key, 'settings'>): MaybePromise<AwsIdentity> {
    const { settings } = key;
    const fixed = identity(settings['accessKeyId'], settings['secretAccessKey'], settings['sessionToken']);
    if (fixed !== undefined) return fixed;
    let found = this.#found.get(settings);
    if (found === undefined) {
      found = new Expiring(this.#host.clock, () => this.#search(key));
      this.#found.set(settings, found);
    }
    return found.get();
  }

  drop({ settings }: Pick<Key, 'settings'>): boolean {
    return this.#found.get(settings)?.drop() ?? false;
  }

  regionOf({ settings }: Pick<Key, 'settings'>): string {
    const named = settings['region'] ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
    return String(named ?? readProfile(profileOf(settings)).region ?? 'us-east-1');
  }

  async #search(key: Pick<Key, 'settings'>): Promise<Dated<AwsIdentity>> {
    const provider = instanceName(this.#host.plugin);
    const { settings } = key;
    try {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment;
      const fromEnvironment = settings['profile'] === undefined ? identity(id, secret, token) : undefined;
      if (fromEnvironment !== undefined) return { value: fromEnvironment, expiresAt: Infinity };
      const fromRole = await webIdentityRole(this.#host, this.regionOf(key));
      if (fromRole !== undefined) return fromRole;
      const { aws_access_key_id, aws_secret_access_key, aws_session_token } = readProfile(profileOf(settings));
      const fromFile = identity(aws_access_key_id, aws_secret_access_key, aws_session_token);
      // A tool that renews the file's keys does so while the gateway runs: they are read again from time to time.
      if (fromFile !== undefined) return { value: fromFile, expiresAt: this.#host.clock.now() + 3_600_000 };
      const fromMachine = (await containerRole(this.#host)) ?? (await instanceRole(this.#host));
      if (fromMachine !== undefined) return fromMachine;
    } catch (cause) {
      const reason = isGatewayError(cause) ? cause.text : (cause as Error).message;
      throw new GatewayError('UP_AUTH', { provider, reason }, { cause });
    }
    const reason = 'there are none in the key, the environment, shared files or a role of this machine';
    throw new GatewayError('UP_AUTH', { provider, reason });
  }
}

function profileOf(settings: Key['settings']): string {
  return String(settings['profile'] ?? environment['AWS_PROFILE'] ?? 'default');
}

function identity(id: unknown, secret: unknown, token: unknown): AwsIdentity | undefined {
  if (typeof id !== 'string' || id === '' || !secret) return undefined;
  return {
    accessKeyId: id,
    secretAccessKey: asSecret(secret),
    ...(token ? { sessionToken: asSecret(token) } : {}),
  };
}

function asSecret(value: unknown): Secret {
  return value instanceof Secret ? value : new Secret(String(value));
}
