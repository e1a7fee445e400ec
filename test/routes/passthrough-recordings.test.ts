import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { isObject, type JsonObject } from '../../plugin-sdk/index.ts';
import type { SeenRequest } from '../../plugin-sdk/testing/index.ts';
import { type Interaction, type RecordedBody, recordings, recordingsMissing } from '../recordings.ts';
import {
  type PassthroughGateway,
  type ProviderName,
  passthroughGateway,
  providerNames,
  rawCall,
} from './passthrough-gateway.ts';

interface Replay {
  readonly name: string;
  readonly method: string;
  /** Path with query, behind the prefix. */
  readonly path: string;
  readonly requestType: string | undefined;
  readonly body: Buffer | undefined;
  readonly status: number;
  readonly replyType: string;
  readonly reply: Buffer;
}

/** Input and output tokens, as the recording has them. */
type Tokens = readonly [input: number, output: number] | undefined;

const prefixes: Readonly<Record<ProviderName, string>> = {
  openai: '/openai_passthrough',
  anthropic: '/anthropic_passthrough',
  azure: '/azure_passthrough',
  gemini: '/genai_passthrough',
  vertex: '/genai_passthrough',
};

const codings = [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const;

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
});

after(() => gateway?.close());

for (const provider of providerNames) {
  test(`carries every recorded exchange with ${provider} byte for byte and reads its usage`, {
    skip: recordingsMissing,
  }, async (t) => {
    const replays = replaysOf(provider);
    assert.ok(replays.length > 0);
    const counts = { streams: 0, metered: 0, up: 0, down: 0 };
    for (const replay of replays) {
      const isStream = replay.replyType.startsWith('text/event-stream');
      const expected = tokensIn(replay);
      const found = await play(provider, replay, undefined, replay.reply);
      assert.deepEqual(found, expected, `${replay.name}: usage`);
      counts.streams += isStream ? 1 : 0;
      counts.metered += expected === undefined ? 0 : 1;
      counts.up += replay.body?.length ?? 0;
      counts.down += replay.reply.length;
    }
    t.diagnostic(
      `${replays.length} exchanges, ${counts.streams} streams: ${counts.up} bytes up and ${counts.down} down with equal SHA-256; usage equal in all ${counts.metered} that have one`,
    );
  });

  test(`reads the usage of compressed replies of ${provider} without touching them`, {
    skip: recordingsMissing,
  }, async (t) => {
    const replays = replaysOf(provider).filter(({ status, reply }) => status < 400 && reply.length > 0);
    let metered = 0;
    for (const [i, replay] of replays.entries()) {
      const [coding, compress] = codings[i % codings.length]!;
      const expected = tokensIn(replay);
      const found = await play(provider, replay, coding, compress(replay.reply));
      assert.deepEqual(found, expected, `${replay.name}: usage in ${coding}`);
      metered += expected === undefined ? 0 : 1;
    }
    t.diagnostic(`${replays.length} replies in gzip, br and zstd; usage equal in all ${metered} that have one`);
  });
}

/** Sends one exchange through the gateway, checks both bodies, and gives the usage on its record. */
async function play(
  provider: ProviderName,
  replay: Replay,
  coding: string | undefined,
  reply: Buffer,
): Promise<Tokens> {
  const upstream = gateway.upstreams[provider];
  const isStream = replay.replyType.startsWith('text/event-stream');
  upstream.reply({
    status: replay.status,
    headers: { 'content-type': replay.replyType, ...(coding === undefined ? {} : { 'content-encoding': coding }) },
    ...(isStream ? { chunks: pieces(reply) } : { body: reply }),
  });
  const ended = gateway.next();
  const received = await rawCall(gateway, prefixes[provider] + replay.path, {
    method: replay.method,
    headers: {
      authorization: 'Bearer of-the-client',
      'accept-encoding': 'gzip, br, zstd',
      ...(replay.requestType === undefined ? {} : { 'content-type': replay.requestType }),
    },
    ...(replay.body === undefined ? {} : { body: replay.body }),
  });
  const seen = upstream.requests.at(-1) as SeenRequest;
  assert.equal(seen.method, replay.method, replay.name);
  const path =
    provider === 'vertex'
      ? replay.path.replace(/\/projects\/[^/]+\/locations\/[^/]+/, '/projects/our-project/locations/europe-west4')
      : replay.path;
  assert.equal(seen.url, path, replay.name);
  assert.equal(sha256(seen.body), sha256(replay.body ?? Buffer.alloc(0)), `${replay.name}: the request`);
  assert.equal(received.status, replay.status, replay.name);
  assert.equal(received.headers['content-encoding'], coding, replay.name);
  assert.equal(sha256(received.body), sha256(reply), `${replay.name}: the reply`);
  const { usage } = (await ended).outcome;
  return usage === undefined ? undefined : [usage.input, usage.output];
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function replaysOf(provider: ProviderName): Replay[] {
  return recordings(provider).flatMap(({ file, interactions }) =>
    interactions.flatMap((interaction, i) => replayOf(`${file}#${i}`, interaction)),
  );
}

function replayOf(name: string, { request, response }: Interaction): Replay {
  const url = new URL(request.url);
  const type = Object.entries(response.headers).find(([header]) => header.toLowerCase() === 'content-type')?.[1];
  return {
    name,
    method: request.method.toUpperCase(),
    path: url.pathname + url.search,
    requestType: requestTypeOf(request),
    body: bytesOf(request),
    status: response.status,
    replyType: String(Array.isArray(type) ? type[0] : (type ?? 'application/json')),
    reply: bytesOf(response) ?? Buffer.alloc(0),
  };
}

function requestTypeOf(request: RecordedBody): string | undefined {
  const bytes = bytesOf(request);
  if (bytes === undefined) return undefined;
  const boundary = /^--(\S+)\r?\n/.exec(bytes.toString('latin1', 0, 200))?.[1];
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
  for (let at = 0, size = 700; at < bytes.length; at += size, size = Math.max((size * 7) % 1_931, 100)) {
    result.push(bytes.subarray(at, at + size));
  }
  return result;
}

/** What a recording says was used, read the long way: every event parsed, every number added by the provider's own rules. */
function tokensIn({ status, reply, replyType }: Replay): Tokens {
  if (status >= 400) return undefined;
  const texts = replyType.startsWith('text/event-stream')
    ? [...reply.toString().matchAll(/^data: ?(\{.*)$/gm)].map((match) => match[1]!)
    : [reply.toString()];
  let merged: JsonObject = {};
  for (const text of texts) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      continue;
    }
    if (isObject(json)) merged = { ...merged, ...withoutNull(usageIn(json)) };
  }
  return tokensOf(merged);
}

function usageIn(json: JsonObject): JsonObject {
  const { usage, usageMetadata, response, message, totalTokens, object, input_tokens } = json;
  // A count of zero is left out.
  if (isObject(usageMetadata)) return { promptTokenCount: 0, ...usageMetadata };
  if (isObject(usage)) return usage;
  if (isObject(response) && isObject(response['usage'])) return response['usage'];
  if (isObject(message) && isObject(message['usage'])) return message['usage'];
  if (Array.isArray(json['predictions'])) {
    const counts = [...JSON.stringify(json['predictions']).matchAll(/"token_count":(\d+)/g)].map((match) =>
      Number(match[1]),
    );
    return { promptTokenCount: counts.reduce((total, count) => total + count, 0) };
  }
  if (totalTokens !== undefined) return { promptTokenCount: totalTokens };
  return input_tokens !== undefined && object === undefined ? { input_tokens } : {};
}

function withoutNull(json: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
}

function tokensOf(usage: JsonObject): Tokens {
  const sum = (...names: string[]): number => names.reduce((total, name) => total + Number(usage[name] ?? 0), 0);
  if ('promptTokenCount' in usage || 'totalTokenCount' in usage) {
    return [sum('promptTokenCount', 'toolUsePromptTokenCount'), sum('candidatesTokenCount', 'thoughtsTokenCount')];
  }
  if ('prompt_tokens' in usage) return [sum('prompt_tokens'), sum('completion_tokens')];
  if ('input_tokens' in usage)
    return [sum('input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'), sum('output_tokens')];
  return undefined;
}
