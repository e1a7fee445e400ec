import type { DialectId } from '../../plugin-sdk/dialects/dialect.ts';
import { BytesBody, type Exchange, type GatewayRequest, isObject } from '../../plugin-sdk/index.ts';
import { insertMember, readValue, scanTopLevel, splice } from '../../plugin-sdk/json-bytes/index.ts';
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
};

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
  const bytes = inner === undefined ? atTop(body.bytes, first, tokens) : within(body.bytes, first, inner, tokens);
  return request.with({ body: new BytesBody(bytes, body.contentType) });
}

/** A limit that says nothing (`"max_tokens": null`) is replaced where it stands: two names for one thing are refused. */
function atTop(bytes: Buffer, name: string, tokens: number): Buffer {
  const [stated] = scanTopLevel(bytes, limitNames).members.values();
  return stated === undefined
    ? insertMember(bytes, name, `${tokens}`)
    : splice(bytes, [{ ...stated, text: `${tokens}` }]);
}

function within(bytes: Buffer, holder: string, name: string, tokens: number): Buffer {
  const { members } = scanTopLevel(bytes, [holder, snakeCase(holder)]);
  const member = members.get(holder) ?? members.get(snakeCase(holder));
  if (member === undefined) return insertMember(bytes, holder, JSON.stringify({ [name]: tokens }));
  const value = readValue(bytes, member);
  const text =
    isObject(value) && !(name in value)
      ? insertMember(bytes.subarray(member.start, member.end), name, `${tokens}`).toString('utf8')
      : JSON.stringify({ ...(isObject(value) ? value : {}), [name]: tokens });
  return splice(bytes, [{ ...member, text }]);
}

/** Google reads both spellings. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
