import type { Block, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import type { Script } from '../../plugin-sdk/testing/index.ts';
import { type Interaction, type RecordedBody, recordings } from '../recordings.ts';
import { type Facts, type Format, factsOf, streamFacts } from './native-facts.ts';

const formats: readonly (readonly [path: RegExp, format: Format, dialect: Dialect])[] = [
  [/\/v1\/messages$/, 'anthropic', anthropicMessages],
  [/:(generateContent|streamGenerateContent)$/, 'gemini', geminiGenerateContent],
  [/\/converse(-stream)?$/, 'bedrock', bedrockConverse],
  [/\/v2\/chat$/, 'cohere', cohereChat],
  [/\/chat\/completions$/, 'chat', openaiChat],
  [/\/responses$/, 'responses', openaiResponses],
];

/** A recorded chat with what it takes to ask for it again. */
export interface Case {
  readonly name: string;
  readonly provider: string;
  readonly format: Format;
  readonly model: string;
  readonly streamed: boolean;
  readonly expected: Facts;
  readonly conversation: Conversation;
  readonly type: string;
  readonly reply: Buffer;
}

/** Every recorded chat of one provider. */
export function recordedCases(provider: string): Case[] {
  return recordings(provider).flatMap(({ file, interactions }) =>
    interactions.flatMap((interaction, i) => caseOf(`${provider}/${file}#${i}`, provider, interaction) ?? []),
  );
}

/** The recorded reply, as an upstream gives it again. */
export function replayed({ type, streamed, reply }: Case): Script {
  return { headers: { 'content-type': type }, ...(streamed ? { chunks: pieces(reply) } : { body: reply }) };
}

/** Streams that broke off with an error event have to break off with the same error here. */
export function failureIn({ streamed, reply }: Case): string | undefined {
  const event = streamed ? /^data: (\{.*"error":\s*\{.*)$/m.exec(reply.toString('utf8'))?.[1] : undefined;
  const error = event === undefined ? undefined : (JSON.parse(event) as JsonObject)['error'];
  return isObject(error) && typeof error['message'] === 'string' ? error['message'] : undefined;
}

/** A stream as the network may cut it: not where its events end. */
function pieces(bytes: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0, size = 700; at < bytes.length; at += size, size = (size * 7) % 1_931) {
    result.push(bytes.subarray(at, at + (size = Math.max(size, 100))));
  }
  return result;
}

/** What a client of another format could have sent: no fields of the one that was recorded, no media that OpenAI's have no word for. */
export function foreign(conversation: Conversation, says: (block: Block) => boolean = () => true): Conversation {
  const text = JSON.stringify(conversation, (name, value) => {
    if (name === 'carry') return undefined;
    if ((name !== 'blocks' && name !== 'content') || !Array.isArray(value)) return value;
    return value.filter((block) => isSayable(block) && says(block));
  });
  return JSON.parse(text) as Conversation;
}

function isSayable(block: Block): boolean {
  return block.type !== 'audio' && block.type !== 'video' && !('source' in block && block.source.kind === 'file');
}

function caseOf(name: string, provider: string, { request, response }: Interaction): Case | undefined {
  const { pathname } = new URL(request.url);
  const known = formats.find(([path]) => path.test(pathname));
  if (known === undefined || response.status !== 200) return undefined;
  const [, format, dialect] = known;
  const asked = jsonOf(bytesOf(request));
  const reply = bytesOf(response);
  if (asked === undefined || reply === undefined) return undefined;
  const type = String(response.headers['content-type'] ?? 'application/json');
  const streamed = !type.includes('json');
  const decoded = dialect.chat!.decodeRequest(asked);
  const inPath = /\/models?\/([^/:]+)/.exec(pathname)?.[1];
  const model = decoded.model || decodeURIComponent(inPath ?? 'model');
  const answer = streamed ? undefined : jsonOf(reply);
  if (!streamed && answer === undefined) return undefined;
  const expected = answer === undefined ? streamFacts(format, reply) : factsOf(format, answer);
  return {
    name,
    provider,
    format,
    model,
    streamed,
    expected,
    conversation: { ...decoded, model, stream: streamed },
    type,
    reply,
  };
}

function jsonOf(bytes: Buffer | undefined): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    // Some recordings had their secrets cut out so that no JSON was left.
    return undefined;
  }
}

function bytesOf({ body, bodyText, bodyBase64 }: RecordedBody): Buffer | undefined {
  if (body !== undefined && body !== null) return Buffer.from(JSON.stringify(body));
  if (bodyText !== undefined) return Buffer.from(bodyText);
  return bodyBase64 === undefined ? undefined : Buffer.from(bodyBase64, 'base64');
}

export function json(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
