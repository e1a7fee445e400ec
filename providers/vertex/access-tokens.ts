import {
  type Dated,
  Expiring,
  GatewayError,
  type Host,
  instanceName,
  isGatewayError,
  isObject,
  isPrivateName,
  type Key,
  type MaybePromise,
  type OutgoingHeaders,
  type ProviderKey,
  Secret,
} from '../../plugin-sdk/index.ts';

const scopes = 'https://www.googleapis.com/auth/cloud-platform';
const tokenUrl = 'https://oauth2.googleapis.com/token';

/** How long a token is used that does not say when it ends. */
const assumedLifeMs = 3_000_000;

type Credentials = Readonly<Record<string, unknown>>;

/**
 * What a key proves itself with: an API key, a token of its own, or tokens from service-account or application-default
 * credentials. google-auth-library makes those; it is loaded when the first is needed.
 */
export class AccessTokens {
  readonly #host: Host;
  /** By the settings of a key, which are the same object for every call with it. */
  readonly #tokens = new WeakMap<Key['settings'], Expiring<OutgoingHeaders>>();
  readonly #credentials = new WeakMap<Key['settings'], Credentials | undefined>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Throws for a key that cannot work: credentials that are no JSON, no project. */
  check(key: ProviderKey): void {
    if (this.apiKeyOf(key) !== undefined || this.#findProject(key) !== undefined) return;
    throw new Error(`the key ${key.name} has no project: give \`project\`, or set GOOGLE_CLOUD_PROJECT`);
  }

  /** The API key, if that is what the key has: by its form, or when it names no project that a token would need. */
  apiKeyOf({ value, settings }: Pick<Key, 'value' | 'settings'>): Secret | undefined {
    if (value === undefined || settings['kind'] === 'token') return undefined;
    const text = Secret.reveal(value);
    if (settings['kind'] === 'api-key' || /^(AIza|AQ\.)/.test(text)) return value;
    return settings['project'] === undefined && !/^(ya29\.|eyJ)/.test(text) ? value : undefined;
  }

  /** Throws GatewayError UP_AUTH. */
  projectOf(key: Pick<Key, 'settings'>): string {
    const project = this.#findProject(key);
    if (project === undefined) throw this.#failure('its project is not set');
    return project;
  }

  /** The headers that prove the caller. Throws GatewayError UP_AUTH. */
  of(key: Pick<Key, 'value' | 'settings'>): MaybePromise<OutgoingHeaders> {
    if (key.value !== undefined) return ['authorization', key.value.prefixed('Bearer ')];
    let token = this.#tokens.get(key.settings);
    if (token === undefined) {
      token = new Expiring(this.#host.clock, () => this.#fetch(key.settings));
      this.#tokens.set(key.settings, token);
    }
    return token.get();
  }

  drop({ settings }: Pick<Key, 'settings'>): boolean {
    return this.#tokens.get(settings)?.drop() ?? false;
  }

  async #fetch(settings: Key['settings']): Promise<Dated<OutgoingHeaders>> {
    try {
      const { GoogleAuth, JWT } = await import('google-auth-library');
      const credentials = this.#credentialsOf(settings);
      const transporterOptions = { fetchImplementation: this.#guardedFetch(credentials) };
      const { type, client_email: email, private_key: key, private_key_id: keyId } = credentials ?? {};
      const client =
        type === 'service_account'
          ? new JWT({ email: String(email), key: String(key), keyId: String(keyId), scopes, transporterOptions })
          : await new GoogleAuth({
              scopes,
              ...(credentials === undefined ? {} : { credentials }),
              clientOptions: { transporterOptions },
            }).getClient();
      const { token } = await client.getAccessToken();
      if (!token) throw new Error('Google gave no token');
      const {
        quotaProjectId,
        credentials: { expiry_date: end },
      } = client;
      const headers: OutgoingHeaders = ['authorization', new Secret(`Bearer ${token}`)];
      if (quotaProjectId !== undefined) headers.push('x-goog-user-project', quotaProjectId);
      return { value: headers, expiresAt: end ?? this.#host.clock.now() + assumedLifeMs };
    } catch (cause) {
      throw this.#failure(isGatewayError(cause) ? cause.text : (cause as Error).message, cause);
    }
  }

  /** The library's calls go through the gateway's guard, and to the token endpoint that the credentials name. */
  #guardedFetch(credentials: Credentials | undefined): typeof fetch {
    const named = credentials?.['token_uri'];
    return async (input, init) => {
      const asked = new Request(input as URL, init);
      const url = new URL(asked.url === tokenUrl && typeof named === 'string' ? named : asked.url);
      const body = Buffer.from(await asked.arrayBuffer());
      const {
        status,
        headers,
        body: answer,
      } = await this.#host.fetch({
        provider: instanceName(this.#host.plugin),
        origin: url.origin,
        method: asked.method,
        path: url.pathname + url.search,
        headers: [...asked.headers].flat(),
        body: body.length === 0 ? undefined : body,
        privateAddresses: isPrivateName(url.origin),
      });
      const pairs = headers.flatMap((part, i): [string, string][] => (i % 2 === 0 ? [[part, headers[i + 1]!]] : []));
      return new Response(new Uint8Array(answer), { status, headers: pairs });
    };
  }

  #findProject({ settings }: Pick<Key, 'settings'>): string | undefined {
    const named =
      settings['project'] ?? this.#credentialsOf(settings)?.['project_id'] ?? process.env['GOOGLE_CLOUD_PROJECT'];
    return typeof named === 'string' && named !== '' ? named : undefined;
  }

  #credentialsOf(settings: Key['settings']): Credentials | undefined {
    if (this.#credentials.has(settings)) return this.#credentials.get(settings);
    const secret = settings['credentials'];
    const parsed = secret instanceof Secret ? parse(Secret.reveal(secret)) : undefined;
    this.#credentials.set(settings, parsed);
    return parsed;
  }

  #failure(reason: string, cause?: unknown): GatewayError {
    return new GatewayError('UP_AUTH', { provider: instanceName(this.#host.plugin), reason }, { cause });
  }
}

function parse(text: string): Credentials {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message would quote the credentials.
    throw new Error('`credentials` is not JSON; give the content of the file, such as file:service-account.json');
  }
  if (!isObject(json)) throw new Error('`credentials` is not a JSON object');
  return json;
}
