/** Everything that one frame shows, as the gateway's API gives it; `undefined` where the plugin for it is not loaded. */
export interface TopData {
  readonly url: string;
  readonly gateway: TopGateway | undefined;
  /** Of the last ten seconds, for rates. */
  readonly now: TopGroup | undefined;
  /** Of the last minute. */
  readonly minute: TopGroup | undefined;
  readonly targets: readonly TopGroup[] | undefined;
  readonly recent: readonly TopRecord[] | undefined;
}

export interface TopGateway {
  readonly generation: string;
  readonly startedAt: string;
  readonly openExchanges: number;
  readonly keys: readonly TopKey[];
}

export interface TopKey {
  readonly provider: string;
  readonly name: string;
  readonly resting: boolean;
  readonly restingModels: readonly string[];
  readonly reason: string | null;
  readonly failures: number;
  readonly inFlight: number;
  readonly latencyMs: number | null;
}

export interface TopGroup {
  readonly key: string | null;
  readonly requests: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly durationMs: { readonly p50?: number; readonly p99?: number };
}

export interface TopRecord {
  readonly time: string;
  readonly status: number;
  readonly error?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly clientModel?: string;
  readonly caller: { readonly id: string; readonly name?: string };
  readonly durationMs: number;
  readonly costUsd: number | 'unknown' | null;
  readonly attempts: readonly object[];
}

const limitMs = 5_000;

/** Asks a gateway for one frame. Throws an Error with a message for people when it cannot be reached or refuses the token. */
export async function readTop(url: string, token: string): Promise<TopData> {
  const get = async <T>(path: string): Promise<T | undefined> => {
    const response = await ask(`${url}${path}`, token);
    if (response.status === 404) return undefined;
    if (response.status === 401 || response.status === 403)
      throw new Error('The gateway does not accept this admin token.');
    if (!response.ok) throw new Error(`The gateway answered ${response.status} to ${path}.`);
    return (await response.json()) as T;
  };
  const groups = (query: string) => get<{ groups: TopGroup[] }>(`/api/records/aggregate?${query}`);
  const [gateway, now, minute, targets, recent] = await Promise.all([
    get<TopGateway>('/api/gateway'),
    groups('last=10s'),
    groups('last=1m'),
    groups('last=1m&by=model&limit=12'),
    get<{ records: TopRecord[] }>('/api/records?limit=40'),
  ]);
  return {
    url,
    gateway,
    now: now && (now.groups[0] ?? nothing),
    minute: minute && (minute.groups[0] ?? nothing),
    targets: targets?.groups,
    recent: recent?.records,
  };
}

const nothing: TopGroup = {
  key: null,
  requests: 0,
  errors: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  durationMs: {},
};

async function ask(address: string, token: string): Promise<Response> {
  try {
    return await fetch(address, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(limitMs),
    });
  } catch (cause) {
    const { message, cause: inner } = cause as Error;
    throw new Error(`No answer from ${new URL(address).origin}: ${(inner as Error | undefined)?.message ?? message}.`, {
      cause,
    });
  }
}
