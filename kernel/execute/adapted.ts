import {
  type AdaptedCall,
  type AdaptedReply,
  type AdaptedResult,
  BytesBody,
  type Call,
  type Dialect,
  GatewayError,
  getHeader,
  inBatches,
  type JsonObject,
  type OperationAdapter,
  type OperationShape,
  type Provider,
  type Reply,
  readForm,
  withHeader,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { ByteBodyEditor } from './body-editor.ts';
import { callOf, problemReply, refuseLosses, upstreamRequest } from './call.ts';
import type { Runtime } from './context.ts';
import { failedReply } from './failed-reply.ts';
import { plainReply, replyJson } from './reply-json.ts';
import { sideBySide } from './side-by-side.ts';
import { openUpstream } from './upstream.ts';
import { wholeBody } from './whole-body.ts';

/** Where one request becomes many calls (a text each, an image each), so many run side by side. */
const callsAtOnce = 8;

/** An operation whose canonical form is the OpenAI shape (embeddings, images, audio), at a provider with another one. */
export async function adapt(
  attempt: LiveAttempt,
  provider: Provider,
  adapter: OperationAdapter,
  runtime: Runtime,
): Promise<Reply> {
  const { exchange } = attempt;
  const { body } = exchange.request;
  if (body.kind !== 'bytes')
    throw new GatewayError('REQ_UNSUPPORTED', { provider: provider.name, operation: exchange.operation });
  const dialect = dialectOf(provider, exchange);
  const call = callOf(attempt, dialect);
  const asked: JsonObject = body.isJson ? body.json() : readForm(body.bytes, body.contentType).fields;
  const shape = exchange.dialect.shapes?.[exchange.operation];
  const lost: string[] = [];
  const json = shape === undefined ? asked : shape.request(asked, (path) => lost.push(path));
  const lose = (path: string): void => void lost.push(shape?.word(path) ?? path);
  const encoded = [await adapter.encode(json, call, lose)].flat() as AdaptedCall[];
  const calls = encoded.map((one) => (one.carried ? edited(one, call, provider, lose) : one));
  refuseLosses(attempt, provider, lost);
  const replies: AdaptedReply[] = [];
  for (const batch of inBatches(calls, callsAtOnce)) {
    const sent = batch.map((one) => sendOne(attempt, provider, one, runtime));
    const results = await sideBySide<AdaptedReply, Reply>(attempt, sent, isFailure);
    if ('failed' in results) {
      const { problem } = results.failed;
      const instead = problem === undefined ? undefined : adapter.recover?.(problem, json, call);
      return instead === undefined ? results.failed : replyOf(instead, shape, asked);
    }
    replies.push(...results);
  }
  return replyOf(adapter.decode(replies, json, call), shape, asked);
}

/** In the client's own shape. */
function replyOf(result: AdaptedResult, shape: OperationShape | undefined, asked: JsonObject): Reply {
  const usage = 'usage' in result && result.usage !== undefined ? { usage: result.usage } : {};
  if ('json' in result) {
    const bytes = JSON.stringify(shape === undefined ? result.json : shape.reply(result.json, asked));
    return {
      origin: 'upstream',
      status: 200,
      headers: ['content-type', 'application/json'],
      ...usage,
      body: { type: 'bytes', bytes },
    };
  }
  return {
    origin: 'upstream',
    status: 200,
    headers: ['content-type', result.contentType],
    ...usage,
    body: { type: 'bytes', bytes: result.bytes },
  };
}

function edited(one: AdaptedCall, call: Call, provider: Provider, lost: (path: string) => void): AdaptedCall {
  const editor = new ByteBodyEditor(BytesBody.ofJson(one.body as JsonObject), lost);
  provider.editBody?.(call, editor);
  return { ...one, body: editor.body.bytes };
}

function isFailure(result: AdaptedReply | Reply): result is Reply {
  return 'origin' in result;
}

async function sendOne(
  attempt: LiveAttempt,
  provider: Provider,
  one: AdaptedCall,
  runtime: Runtime,
): Promise<AdaptedReply | Reply> {
  const { exchange } = attempt;
  const dialect = dialectOf(provider, exchange);
  const endpoint = provider.endpoint({ ...callOf(attempt, dialect), path: one.path, query: '' });
  const bytes = one.body === undefined || Buffer.isBuffer(one.body) ? one.body : Buffer.from(JSON.stringify(one.body));
  const headers = ['content-type', one.contentType ?? 'application/json', ...(one.headers ?? []), ...endpoint.headers];
  let request = upstreamRequest(
    attempt,
    provider,
    { ...endpoint, method: one.method ?? 'POST', headers },
    bytes,
    dialect,
  );
  if (provider.authorize !== undefined) request = await provider.authorize(request, attempt.key);
  const upstream = await openUpstream(attempt, request, runtime);
  const { reply } = upstream;
  if (reply.status >= 400) return failedReply(attempt, provider, dialect, upstream);
  try {
    const whole = await wholeBody(provider, reply, runtime.replyBytes);
    upstream.arrived();
    const plain = plainReply(reply.headers, whole, runtime.replyBytes);
    const isJson = (getHeader(reply.headers, 'content-type') ?? '').includes('json');
    const json = isJson ? replyJson(provider.name, new BytesBody(plain, 'application/json')) : undefined;
    const failedStatus = json === undefined ? undefined : provider.quirks?.errorIn200?.(json);
    if (failedStatus !== undefined) {
      const headers = withHeader(reply.headers, 'content-encoding', undefined);
      return problemReply(attempt, dialect, failedStatus, plain, headers);
    }
    return { status: reply.status, headers: reply.headers, json, bytes: plain };
  } finally {
    upstream.done();
  }
}

/** What the provider's errors are written in. */
function dialectOf({ speaks }: Provider, { operation, dialect }: LiveAttempt['exchange']): Dialect {
  return speaks[operation]?.[0] ?? speaks['*']?.[0] ?? dialect;
}
