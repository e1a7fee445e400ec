import { type Dated, type Host, type OutgoingHeaders, Secret } from '../../plugin-sdk/index.ts';

/** A token that Entra, or a service that stands for it, answered with, or what it said instead. */
export class TokenRefusal extends Error {
  readonly status: number;

  constructor(who: string, status: number, said: string) {
    super(`${who} answered ${status}: ${said}`);
    this.status = status;
  }
}

interface TokenRequest {
  /** Who is asked, as errors name it. */
  readonly who: string;
  readonly url: URL;
  readonly headers: OutgoingHeaders;
  /** A form to post; absent: a GET. */
  readonly form?: URLSearchParams;
  readonly privateAddresses: boolean;
}

const timeoutMs = 5_000;

/** Asks for a token. Throws TokenRefusal when there is an answer without one. */
export async function requestToken(host: Host, request: TokenRequest): Promise<Dated<Secret>> {
  const { who, url, headers, form, privateAddresses } = request;
  const { status, body } = await host.fetch(
    {
      provider: who,
      origin: url.origin,
      method: form === undefined ? 'GET' : 'POST',
      path: url.pathname + url.search,
      headers: ['accept', 'application/json', ...headers],
      body: form?.toString(),
      privateAddresses,
    },
    { timeoutMs },
  );
  const json = parsed(body.toString('utf8'));
  if (status !== 200 || typeof json['access_token'] !== 'string')
    throw new TokenRefusal(who, status, String(json['error_description'] ?? json['error'] ?? 'no token'));
  return { value: new Secret(json['access_token']), expiresAt: endOf(json, host.clock.now()) };
}

/** `expires_in` (seconds from now) or, of App Service, only `expires_on` (seconds since 1970); both may be texts. */
function endOf({ expires_in: left, expires_on: end }: Record<string, unknown>, now: number): number {
  if (left === undefined && end !== undefined) return Number(end) * 1_000;
  return now + Number(left ?? 3_600) * 1_000;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
