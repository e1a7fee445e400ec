import type { DialectId, KnownDialectId } from '../../plugin-sdk/dialects/dialect.ts';
import { type BytesBody, type Exchange, type GatewayRequest, isObject } from '../../plugin-sdk/index.ts';
import { insertMember } from '../../plugin-sdk/json-bytes/index.ts';
import { limitNames } from './estimate.ts';

/** Where a dialect states the most tokens of one answer: a member at the top, or one of an object there. */
type Place = readonly [name: string] | readonly [holder: string, name: string];

const places: Partial<Record<DialectId, Place>> = {
  'openai.chat': ['max_completion_tokens'],
  'openai.responses': ['max_output_tokens'],
  'openai.completions': ['max_tokens'],
  'anthropic.messages': ['max_tokens'],
  'cohere.chat': ['max_tokens'],
  'gemini.generateContent': ['generationConfig', 'maxOutputTokens'],
  'bedrock.converse': ['inferenceConfig', 'maxTokens'],
} satisfies Partial<Record<KnownDialectId, Place>>;

/** Whether {@link limitOutput} knows where the limit of this call goes. */
export function mayLimitOutput({ body }: GatewayRequest, { dialect }: Exchange): boolean {
  return places[dialect.id] !== undefined && body.kind === 'bytes' && body.isJson;
}

/** The request with an output limit in the words of its dialect; every other byte stays as it was. */
export function limitOutput(request: GatewayRequest, { dialect }: Exchange, tokens: number): GatewayRequest {
  const { body } = request;
  const place = places[dialect.id];
  if (place === undefined || body.kind !== 'bytes') return request;
  const [first, inner] = place;
  const limited = inner === undefined ? atTop(body, first, tokens) : within(body, first, inner, tokens);
  return request.with({ body: limited });
}

/** A limit that says nothing (`"max_tokens": null`) is replaced where it stands: two names for one thing are refused. */
function atTop(body: BytesBody, name: string, tokens: number): BytesBody {
  const stated = limitNames.find((other) => body.topLevel.members.has(other));
  return body.withMember(stated ?? name, `${tokens}`);
}

function within(body: BytesBody, holder: string, name: string, tokens: number): BytesBody {
  const { members } = body.topLevel;
  const stated = members.has(holder) ? holder : snakeCase(holder);
  const member = members.get(stated);
  if (member === undefined) return body.withMember(holder, JSON.stringify({ [name]: tokens }));
  const value = body.valueAt(member);
  const text =
    isObject(value) && !(name in value)
      ? insertMember(body.pieces.slice(member), name, `${tokens}`).toString('utf8')
      : JSON.stringify({ ...(isObject(value) ? value : {}), [name]: tokens });
  return body.withMember(stated, text);
}

/** Google reads both spellings. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
