import {
  type Dated,
  Expiring,
  GatewayError,
  type Host,
  instanceName,
  isGatewayError,
  type Key,
  type MaybePromise,
  type Secret,
} from '../../plugin-sdk/index.ts';
import { applicationToken } from './application-token.ts';
import { machineToken } from './machine-token.ts';

/** Access tokens of Entra, one per key that names an application or an identity of the machine instead of holding a value. */
export class EntraTokens {
  readonly #authority: string | undefined;
  readonly #host: Host;
  /** By the settings of a key, which are the same object for every call with it. */
  readonly #tokens = new WeakMap<Key['settings'], Expiring<Secret>>();

  /** `authority`: where tokens come from; absent: where the environment says, or the public cloud. */
  constructor(authority: string | undefined, host: Host) {
    this.#authority = authority;
    this.#host = host;
  }

  /** The key's token; undefined for a key that has a value. Throws GatewayError UP_AUTH. */
  of({ settings }: Pick<Key, 'settings'>): MaybePromise<Secret | undefined> {
    if (settings['identity'] === undefined && settings['clientSecret'] === undefined) return undefined;
    let token = this.#tokens.get(settings);
    if (token === undefined) {
      token = new Expiring(this.#host.clock, () => this.#fetch(settings));
      this.#tokens.set(settings, token);
    }
    return token.get();
  }

  drop({ settings }: Pick<Key, 'settings'>): boolean {
    return this.#tokens.get(settings)?.drop() ?? false;
  }

  async #fetch(settings: Key['settings']): Promise<Dated<Secret>> {
    try {
      return settings['identity'] === 'managed'
        ? await machineToken(this.#host, settings)
        : await applicationToken(this.#host, this.#authority, settings);
    } catch (cause) {
      const reason = isGatewayError(cause) ? cause.text : (cause as Error).message;
      throw new GatewayError('UP_AUTH', { provider: instanceName(this.#host.plugin), reason }, { cause });
    }
  }
}
