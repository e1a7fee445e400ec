import {
  type Call,
  type Dialect,
  type GatewayError,
  getHeader,
  type Provider,
  type Reply,
  type Sink,
  type UpstreamRequest,
  withHeader,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { contentCoding, isEventStream, meterFor } from '../meter/passing-meter.ts';
import { ByteBodyEditor } from './body-editor.ts';
import { callOf, upstreamRequest } from './call.ts';
import { checkEndpoint } from './check-endpoint.ts';
import type { Runtime } from './context.ts';
import { failedReply } from './failed-reply.ts';
import { basePaths, GatewayUrls, gatewayOrigin, hasUrl } from './gateway-urls.ts';
import { Gathered } from './gathered.ts';
import { HeldStart } from './held-start.ts';
import { openSocket } from './open-socket.ts';
import { PassingStream } from './passing-stream.ts';
import { openUpstream, type Upstream } from './upstream.ts';

/** JSON up to this size is held whole where something needs it so; an error's body too. */
const wholeBytes = 1_048_576;

/**
 * The client's bytes go to the provider and the provider's bytes come back, whatever they are. What is read of them is
 * read on the side; what is changed is named by the route, the provider or the key.
 */
export async function passThrough(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  runtime: Runtime,
): Promise<Reply> {
  const { exchange } = attempt;
  const call = callOf(attempt, dialect);
  const endpoint = provider.endpoint(call);
  checkEndpoint(endpoint);
  let request = upstreamRequest(attempt, provider, endpoint, passedBody(attempt, provider, call));
  if (exchange.urlMembers !== undefined) request = { ...request, headers: inPlainForm(request.headers) };
  if (provider.authorize !== undefined) request = await provider.authorize(request, attempt.key);
  if (exchange.upgrade) return openSocket(attempt, provider, dialect, request, runtime);
  const upstream = await openUpstream(attempt, request, runtime);
  return readReply(attempt, provider, dialect, upstream, request, runtime);
}

/** The client's body, with the model's name changed where the key has an alias, and what the key decides. */
function passedBody(attempt: LiveAttempt, provider: Provider, call: Call): UpstreamRequest['body'] {
  const { body, headers } = attempt.exchange.request;
  if (body.kind === 'none') return undefined;
  if (body.kind === 'stream') return body.readable;
  const alias = call.key.model;
  if ((alias === undefined && provider.editPassthrough === undefined) || !body.isJson) return body.bytes;
  if (contentCoding(headers.flat) !== undefined) return body.bytes;
  const editor = new ByteBodyEditor(body, () => undefined);
  try {
    if (alias !== undefined && editor.get('model') === attempt.target.model) editor.set('model', alias);
    provider.editPassthrough?.(call, editor);
  } catch {
    // A body that is not what it says it is goes to the provider as it is, who will say so.
    return body.bytes;
  }
  return editor.body.bytes;
}

/** URLs in a compressed body could not be rewritten. */
function inPlainForm(headers: UpstreamRequest['headers']): UpstreamRequest['headers'] {
  return headers.filter((_, i) => String(headers[i - (i % 2)]).toLowerCase() !== 'accept-encoding');
}

/** Where URLs of the provider lead to here; undefined when that is not wanted, or not known. */
function urlsOf(
  { exchange }: LiveAttempt,
  { baseUrl }: Provider,
  sent: UpstreamRequest,
  runtime: Runtime,
): GatewayUrls | undefined {
  const { route, request } = exchange;
  const here = route.rewriteUrls === true ? gatewayOrigin(exchange, runtime.scheme) : undefined;
  if (here === undefined) return undefined;
  return new GatewayUrls(sent.origin, basePaths(baseUrl, sent, request.path), here, route.strip);
}

async function readReply(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
  request: UpstreamRequest,
  runtime: Runtime,
): Promise<Reply> {
  const { reply } = upstream;
  const { exchange } = attempt;
  const declared = Number(getHeader(reply.headers, 'content-length') ?? Number.NaN);
  const hasBody = exchange.request.method !== 'HEAD' && reply.status !== 204 && reply.status !== 304;
  if (reply.status >= 400 && !(hasBody && declared > wholeBytes))
    return failedReply(attempt, provider, dialect, upstream);
  const leadsOn = exchange.urlMembers !== undefined || hasUrl(reply.headers);
  const urls = leadsOn ? urlsOf(attempt, provider, request, runtime) : undefined;
  const headers = urls?.headers(reply.headers) ?? reply.headers;
  const base = { origin: 'upstream', status: reply.status, headers, dialect } as const;
  if (!hasBody) {
    drain(upstream);
    return { ...base, body: { type: 'none' } };
  }
  const type = getHeader(reply.headers, 'content-type') ?? '';
  const isPlain = contentCoding(reply.headers) === undefined;
  const isPlainJson = isPlain && type.includes('json');
  const rewritten = isPlainJson && urls !== undefined ? exchange.urlMembers : undefined;
  // Plugins that look at replies see them whole; a JSON reply that comes bit by bit is a stream, and stays one.
  const isWanted = rewritten !== undefined || (isPlainJson && runtime.hooks.transformJson.isUsed() && !exchange.stream);
  let start = (sink: Sink<Buffer>): void => reply.start(sink);
  let whole: Buffer | undefined;
  if (reply.trailers.length === 0 && isPlain && !isEventStream(type)) whole = reply.takeWhole();
  if (whole === undefined && isWanted && !(declared > wholeBytes)) {
    const gathered = await gather(upstream);
    if (Buffer.isBuffer(gathered)) whole = gathered;
    else start = (sink) => gathered.into(sink);
  }
  if (whole === undefined) {
    return {
      ...base,
      body: await flowing(attempt, provider, dialect, upstream, isPlain && isEventStream(type), start),
    };
  }
  attempt.arrived();
  upstream.done();
  const bytes = rewritten === undefined ? whole : urls!.members(whole, rewritten);
  const shown = bytes === whole ? headers : withHeader(headers, 'content-length', undefined);
  return { ...base, headers: shown, body: { type: 'bytes', bytes } };
}

function drain(upstream: Upstream): void {
  upstream.arrived();
  const done = (): void => upstream.done();
  upstream.reply.start({ push: () => true, end: done, fail: done });
}

/** The whole body, or its held start when it is larger than fits. */
function gather(upstream: Upstream): Promise<Buffer | Gathered> {
  return new Promise((resolve, reject) => {
    const gathered: Gathered = new Gathered(upstream.reply, wholeBytes, (whole, error) => {
      if (error === undefined) return resolve(whole ?? gathered);
      upstream.done();
      reject(error);
    });
  });
}

/**
 * A body that flows, shown to the client from its first byte on: until then another attempt may take its place. Streams
 * of a known dialect go on in whole events.
 */
function flowing(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
  isPlainStream: boolean,
  start: (sink: Sink<Buffer>) => void,
): Promise<Reply['body']> {
  const { exchange } = attempt;
  const { reply } = upstream;
  const events = isPlainStream && dialect.chat !== undefined;
  const notes = {
    onUsage: (usage: NonNullable<LiveAttempt['usage']>) => {
      attempt.usage = usage;
    },
    onFinish: (finish: string) => {
      attempt.finish = finish;
    },
    onProblem: (problem: GatewayError) => {
      attempt.problem = problem;
    },
  };
  const meter = meterFor(dialect, provider.name, reply.headers, notes, events);
  if (meter !== undefined) exchange.defer(() => meter.close());
  return new Promise((resolve, reject) => {
    const limits = { ms: exchange.policy.holdBack.ms, bytes: 0 };
    const flow: HeldStart<Buffer> = new HeldStart(upstream, limits, (error) =>
      error === undefined ? resolve({ type: 'flow', flow, events, trailers: () => reply.trailers }) : reject(error),
    );
    start(
      new PassingStream(flow, meter, events, (reading) => {
        const readUsage = (): Promise<void> => reading;
        exchange.readUsage = readUsage;
      }),
    );
  });
}
