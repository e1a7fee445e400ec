import {
  type Dated,
  Expiring,
  GatewayError,
  type Host,
  instanceName,
  isGatewayError,
  isPrivateName,
  type Key,
  type MaybePromise,
  Secret,
} from '../../plugin-sdk/index.ts';

const defaultScope = 'https://cognitiveservices.azure.com/.default';

/** Access tokens of Entra applications (OAuth client credentials), one per key that names an application. */
export class EntraTokens {
  readonly #authority: string;
  readonly #host: Host;
  /** By the settings of a key, which are the same object for every call with it. */
  readonly #tokens = new WeakMap<Key['settings'], Expiring<Secret>>();

  constructor(authority: string, host: Host) {
    this.#authority = authority.replace(/\/+$/, '');
    this.#host = host;
  }

  /** The key's token; undefined for a key that is no application. Throws GatewayError UP_AUTH. */
  of({ settings }: Pick<Key, 'settings'>): MaybePromise<Secret | undefined> {
    if (settings['tenantId'] === undefined) return undefined;
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
    const provider = instanceName(this.#host.plugin);
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: String(settings['clientId']),
      client_secret: Secret.reveal(settings['clientSecret'] as Secret),
      scope: String(settings['scope'] ?? defaultScope),
    });
    const url = new URL(`${this.#authority}/${encodeURIComponent(String(settings['tenantId']))}/oauth2/v2.0/token`);
    try {
      const { status, body } = await this.#host.fetch({
        provider,
        origin: url.origin,
        method: 'POST',
        path: url.pathname,
        headers: ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'],
        body: form.toString(),
        privateAddresses: isPrivateName(this.#authority),
      });
      const json = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
      if (status !== 200 || typeof json['access_token'] !== 'string') {
        throw new Error(
          `Entra answered ${status}: ${String(json['error_description'] ?? json['error'] ?? 'no token')}`,
        );
      }
      const seconds = Number(json['expires_in'] ?? 3_600);
      return { value: new Secret(json['access_token']), expiresAt: this.#host.clock.now() + seconds * 1_000 };
    } catch (cause) {
      const reason = isGatewayError(cause) ? cause.text : (cause as Error).message;
      throw new GatewayError('UP_AUTH', { provider, reason }, { cause });
    }
  }
}
