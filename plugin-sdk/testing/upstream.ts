import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** How the scripted upstream answers one request. */
export interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON body. */
  readonly json?: unknown;
  /** A body as it is. */
  readonly body?: Buffer | string;
  /** Server-sent events: each is written as `data: …`, in a write of its own; a string as it is, an object as JSON. */
  readonly events?: readonly (string | object)[];
  /** Raw pieces of the body, each in a write of its own. */
  readonly chunks?: readonly (Buffer | string)[];
  /** Milliseconds before the head. */
  readonly delayMs?: number;
  /** Nothing is sent before this resolves: for what must happen while a call is on its way, however slow the machine. */
  readonly after?: Promise<unknown>;
  /** Milliseconds between events or chunks. */
  readonly chunkDelayMs?: number;
  /**
   * What goes wrong: `reset` closes the connection before the head, `cut` in the middle of the body (after all chunks),
   * `silent` never answers, `stall` sends head and chunks and then nothing.
   */
  readonly fault?: 'reset' | 'cut' | 'silent' | 'stall';
}

/** What reached the upstream. */
export interface SeenRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly json: unknown;
  /** Resolves when the connection of this request closes before its answer was complete. */
  readonly closed: Promise<void>;
}

export interface Upstream {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** Connections opened so far. */
  readonly connections: number;
  /** Answers the next request; several calls queue up. */
  reply(...scripts: Script[]): void;
  /** Answers every request for which no script is queued. */
  always(answer: Script | ((request: SeenRequest) => Script | Promise<Script>)): void;
  /** Options of a provider that points here, with one key. */
  provider(more?: Record<string, unknown>): Record<string, unknown>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts an upstream on the loopback address that answers as scripted and remembers what it saw. */
export async function startUpstream(): Promise<Upstream> {
  const requests: SeenRequest[] = [];
  const queue: Script[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let fallback: Script | ((request: SeenRequest) => Script | Promise<Script>) = {
    status: 404,
    json: { error: { message: 'no script' } },
  };
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, async (incoming, outgoing) => {
    const seen = await readRequest(incoming, outgoing).catch(() => undefined);
    // The sender left in the middle of its body.
    if (seen === undefined) return;
    requests.push(seen);
    const script = queue.shift() ?? (typeof fallback === 'function' ? await fallback(seen) : fallback);
    await play(script, outgoing);
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url,
    port,
    requests,
    get connections() {
      return connections;
    },
    reply: (...scripts) => void queue.push(...scripts),
    always(answer) {
      fallback = answer;
    },
    provider: (more = {}) => ({ baseUrl: url, keys: [{ name: 'main', value: 'sk-upstream' }], ...more }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readRequest(incoming: IncomingMessage, outgoing: ServerResponse): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) resolve();
    });
  });
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    method: incoming.method ?? '',
    url: incoming.url ?? '',
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body,
    get json() {
      return JSON.parse(body.toString('utf8'));
    },
    closed,
  };
}

async function play(script: Script, outgoing: ServerResponse): Promise<void> {
  const { status = 200, headers = {}, fault } = script;
  if (script.delayMs !== undefined) await sleep(script.delayMs);
  await script.after;
  if (fault === 'silent') return;
  if (fault === 'reset') {
    outgoing.destroy();
    return;
  }
  const { type, pieces } = bodyOf(script);
  const isWhole = script.events === undefined && script.chunks === undefined && fault === undefined;
  outgoing.writeHead(status, {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(isWhole && pieces.length > 0 ? { 'content-length': Buffer.byteLength(pieces[0]!) } : {}),
    ...headers,
  });
  if (!isWhole) outgoing.flushHeaders();
  for (const piece of pieces) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(piece)) await drained(outgoing);
    if (script.chunkDelayMs !== undefined) await sleep(script.chunkDelayMs);
    else if (!isWhole) await new Promise((resolve) => setImmediate(resolve));
  }
  if (fault === 'stall') return;
  if (fault === 'cut') {
    await sleep(20);
    outgoing.destroy();
  } else outgoing.end();
}

/** The upstream too stops when nobody reads. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    outgoing.once('drain', resolve);
    outgoing.once('close', resolve);
  });
}

function bodyOf(script: Script): { type: string | undefined; pieces: readonly (Buffer | string)[] } {
  if (script.events !== undefined) {
    const pieces = script.events.map((event) =>
      typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`,
    );
    return { type: 'text/event-stream', pieces };
  }
  if (script.chunks !== undefined) return { type: undefined, pieces: script.chunks };
  if (script.json !== undefined) return { type: 'application/json', pieces: [JSON.stringify(script.json)] };
  return { type: undefined, pieces: script.body === undefined ? [] : [script.body] };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
