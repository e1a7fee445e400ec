import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import {
  type RunningGateway,
  type SeenRequest,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';
import { type Interaction, type RecordedBody, recordings, recordingsMissing } from '../recordings.ts';

/** A recorded exchange as bytes. */
interface Replay {
  readonly name: string;
  readonly method: string;
  /** Path with query, behind `/v1`. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Buffer | undefined;
  readonly status: number;
  readonly replyType: string;
  readonly reply: Buffer;
}

let upstream: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/openai': upstream.provider() } });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

test('carries every recorded OpenAI exchange without changing a byte in either direction', {
  skip: recordingsMissing,
}, async (t) => {
  const replays = recordings('openai').flatMap(({ file, interactions }) =>
    interactions.flatMap((interaction, i) => replayOf(`${file}#${i}`, interaction) ?? []),
  );
  assert.ok(replays.length > 0);
  let streams = 0;
  let requestBytes = 0;
  let replyBytes = 0;
  for (const replay of replays) {
    upstream.reply({
      status: replay.status,
      headers: { 'content-type': replay.replyType },
      ...(replay.replyType.startsWith('text/event-stream') ? { chunks: pieces(replay.reply) } : { body: replay.reply }),
    });
    const received = await call(replay);
    const seen = upstream.requests.at(-1) as SeenRequest;
    assert.equal(seen.method, replay.method, replay.name);
    assert.equal(seen.url, `/v1${replay.path}`, replay.name);
    assert.equal(seen.headers.authorization, 'Bearer sk-upstream', replay.name);
    assert.deepEqual(seen.body, replay.body ?? Buffer.alloc(0), `${replay.name}: the request`);
    assert.equal(received.status, replay.status, replay.name);
    assert.deepEqual(received.body, replay.reply, `${replay.name}: the reply`);
    if (replay.replyType.startsWith('text/event-stream')) streams += 1;
    requestBytes += seen.body.length;
    replyBytes += received.body.length;
  }
  t.diagnostic(
    `${replays.length} exchanges replayed, ${streams} of them streams: ${requestBytes} bytes up, ${replyBytes} bytes down, all equal`,
  );
});

function replayOf(name: string, { request, response }: Interaction): Replay | undefined {
  const url = new URL(request.url);
  if (!url.hostname.endsWith('api.openai.com') || !url.pathname.startsWith('/v1/') || response.status < 200)
    return undefined;
  const type = response.headers['content-type'];
  const replyType = String(Array.isArray(type) ? type[0] : (type ?? 'application/json'));
  return {
    name,
    method: request.method,
    path: url.pathname.slice('/v1'.length) + url.search,
    contentType: contentTypeOf(request),
    body: bytesOf(request),
    status: response.status,
    replyType,
    reply: bytesOf(response) ?? Buffer.alloc(0),
  };
}

function contentTypeOf(request: RecordedBody): string | undefined {
  if (request.body !== undefined) return 'application/json';
  const text =
    request.bodyText ??
    (request.bodyBase64 === undefined ? undefined : Buffer.from(request.bodyBase64, 'base64').toString('latin1'));
  if (text === undefined) return undefined;
  const boundary = /^--(\S+)\r?\n/.exec(text)?.[1];
  return boundary === undefined ? 'application/json' : `multipart/form-data; boundary=${boundary}`;
}

function bytesOf({ body, bodyText, bodyBase64 }: RecordedBody): Buffer | undefined {
  // Spaced as no serialiser of the gateway's own would write it, so that a body parsed and written anew is noticed.
  if (body !== undefined && body !== null) return Buffer.from(JSON.stringify(body, undefined, 1));
  if (bodyText !== undefined) return Buffer.from(bodyText);
  return bodyBase64 === undefined ? undefined : Buffer.from(bodyBase64, 'base64');
}

/** A stream as the network may cut it: not where its events end. */
function pieces(bytes: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0, size = 700; at < bytes.length; at += size, size = (size * 7) % 1_931) {
    result.push(bytes.subarray(at, at + (size = Math.max(size, 100))));
  }
  return result;
}

function call({ method, path, contentType, body }: Replay): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: 'Bearer sk-of-the-client',
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(body === undefined ? {} : { 'content-length': body.length }),
    };
    const outgoing = httpRequest(`${gateway.url}/openai/v1${path}`, { method, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
