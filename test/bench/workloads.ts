export interface Workload {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  /** What one answer counts for: 1, the events of a stream, or its megabytes and those of its request. */
  readonly units: number;
  readonly unit: 'request' | 'event' | 'MB';
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
const passedThrough = '/openai_passthrough/v1/chat/completions';
const hundredMegabytes = 100 * 1_048_576;

/** The call that most figures are about. */
export const carried = { path, body: chat('gpt-4o-mini', 1_024), units: 1, unit: 'request', for: 'all' } as const;
/** Answered with the 100 events that the upstream has by default. */
const streamed = { ...carried, body: chat('gpt-4o-mini', 256, { stream: true }), units: 100, unit: 'event' } as const;

export const workloads: readonly Workload[] = [
  { ...carried, name: '1 KB carried, 64 connections', connections: 64 },
  { ...carried, name: '1 KB carried, 1 connection', connections: 1 },
  { ...carried, name: '1 KB carried, 256 connections', connections: 256 },
  { ...carried, name: '1 KB carried at 5,000 requests/s, 64 connections', connections: 64, rate: 5_000 },
  { ...streamed, name: 'first byte of 2,000 streams/s, 64 connections', connections: 64, rate: 2_000, firstByte: true },
  { ...carried, name: '32 KB carried, 64 connections', body: chat('gpt-4o-mini', 32_768), connections: 64 },
  { ...carried, name: '1 MB carried, 16 connections', body: chat('gpt-4o-mini', 1_048_576), connections: 16 },
  { ...carried, name: '1 KB passed through, 64 connections', path: passedThrough, connections: 64 },
  {
    ...carried,
    name: '100 MB passed up, 2 connections',
    path: passedThrough,
    body: chat('gpt-4o-mini', hundredMegabytes),
    connections: 2,
    units: 100,
    unit: 'MB',
  },
  {
    ...carried,
    name: '100 MB passed down, 2 connections',
    path: passedThrough,
    connections: 2,
    units: 100,
    unit: 'MB',
    upstream: { ANSWER_BYTES: String(hundredMegabytes) },
  },
  {
    ...carried,
    name: '1 KB translated to Anthropic, 64 connections',
    body: chat('anthropic/claude-sonnet-4-5', 1_024),
    connections: 64,
    for: 'kernel',
  },
  { ...streamed, name: 'stream burst of 100 events, 64 connections', connections: 64 },
  {
    ...streamed,
    name: 'stream burst translated, 64 connections',
    body: chat('anthropic/claude-sonnet-4-5', 256, { stream: true }),
    connections: 64,
    for: 'kernel',
  },
  { ...streamed, name: 'streams paced at 50 ms, 1,000 connections', connections: 1_000, upstream: { EVENT_MS: '50' } },
];
