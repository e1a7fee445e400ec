export interface Workload {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  /** What one answer counts for: 1, or the events of a stream. */
  readonly units: number;
  readonly unit: 'request' | 'event';
  /** Requests per second; absent: as many as go. */
  readonly rate?: number;
  /** Times are those to the first byte of the answer. */
  readonly firstByte?: boolean;
  /** Settings of the upstream. */
  readonly upstream?: Readonly<Record<string, string>>;
  /** Which candidates can do this. */
  readonly for: 'all' | 'kernel';
}

/** A chat request of about so many bytes. */
export const chat = (model: string, bytes: number, more: object = {}): string =>
  JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: 'Tell me more. '.repeat(Math.ceil(bytes / 14)).slice(0, Math.max(bytes - 200, 10)) },
    ],
    temperature: 0.7,
    max_tokens: 256,
    ...more,
  });

const path = '/openai/v1/chat/completions';

export const workloads: readonly Workload[] = [
  {
    name: '1 KB carried, 64 connections',
    path,
    body: chat('gpt-4o-mini', 1_024),
    connections: 64,
    units: 1,
    unit: 'request',
    for: 'all',
  },
  {
    name: '1 KB carried, 1 connection',
    path,
    body: chat('gpt-4o-mini', 1_024),
    connections: 1,
    units: 1,
    unit: 'request',
    for: 'all',
  },
  {
    name: '1 KB carried, 256 connections',
    path,
    body: chat('gpt-4o-mini', 1_024),
    connections: 256,
    units: 1,
    unit: 'request',
    for: 'all',
  },
  {
    name: '1 KB carried at 5,000 requests/s, 64 connections',
    path,
    body: chat('gpt-4o-mini', 1_024),
    connections: 64,
    units: 1,
    unit: 'request',
    rate: 5_000,
    for: 'all',
  },
  {
    name: 'first byte of 2,000 streams/s, 64 connections',
    path,
    body: chat('gpt-4o-mini', 256, { stream: true }),
    connections: 64,
    units: 100,
    unit: 'event',
    rate: 2_000,
    firstByte: true,
    for: 'all',
  },
  {
    name: '32 KB carried, 64 connections',
    path,
    body: chat('gpt-4o-mini', 32_768),
    connections: 64,
    units: 1,
    unit: 'request',
    for: 'all',
  },
  {
    name: '1 MB carried, 16 connections',
    path,
    body: chat('gpt-4o-mini', 1_048_576),
    connections: 16,
    units: 1,
    unit: 'request',
    for: 'all',
  },
  {
    name: '1 KB passed through, 64 connections',
    path: '/openai_passthrough/v1/chat/completions',
    body: chat('gpt-4o-mini', 1_024),
    connections: 64,
    units: 1,
    unit: 'request',
    for: 'kernel',
  },
  {
    name: '1 KB translated to Anthropic, 64 connections',
    path,
    body: chat('anthropic/claude-sonnet-4-5', 1_024),
    connections: 64,
    units: 1,
    unit: 'request',
    for: 'kernel',
  },
  {
    name: 'stream burst of 100 events, 64 connections',
    path,
    body: chat('gpt-4o-mini', 256, { stream: true }),
    connections: 64,
    units: 100,
    unit: 'event',
    for: 'all',
  },
  {
    name: 'stream burst translated, 64 connections',
    path,
    body: chat('anthropic/claude-sonnet-4-5', 256, { stream: true }),
    connections: 64,
    units: 100,
    unit: 'event',
    for: 'kernel',
  },
  {
    name: 'streams paced at 50 ms, 1,000 connections',
    path,
    body: chat('gpt-4o-mini', 256, { stream: true }),
    connections: 1_000,
    units: 100,
    unit: 'event',
    upstream: { EVENT_MS: '50' },
    for: 'all',
  },
];
