import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import type { AdaptedResult, Call, OperationAdapter } from '../provider.ts';
import { countedConversation, countReply } from './token-counting.ts';

/** Of prose and code alike. Clients compact a history by the count: one that is too low comes too late. */
const bytesPerToken = 3.5;
/** An image of about a megapixel, to which providers scale larger ones. */
const tokensPerImage = 1_500;
/** Base64 characters per token of documents and sound. */
const base64PerToken = 16;
/** Around each message, block and tool. */
const fixedTokens = 3;
/** Providers tell a model how to call tools, in words of their own. */
const toolTokens = 150;

/** What a model reads of a request, in any client's words; everything else sets how it answers. */
const read = [
  ...['messages', 'system', 'tools'],
  ...['input', 'instructions'],
  ...['contents', 'systemInstruction', 'system_instruction', 'generateContentRequest'],
];
/** Members that say what stands where: {@link fixedTokens} are for them. */
const frame: ReadonlySet<string> = new Set([
  'type',
  'role',
  'content',
  'text',
  'parts',
  'cache_control',
  'id',
  'call_id',
]);
const frameValues: ReadonlySet<string> = new Set(['type', 'role', 'cache_control', 'signature', 'thoughtSignature']);

/** Counts tokens where a provider does not: `x-bf-estimated` tells so. Throws GatewayError REQ_INVALID. */
export const estimatedCount: OperationAdapter = {
  encode(body, { exchange }) {
    countedConversation(exchange.dialect, body);
    return [];
  },
  decode: (_, body, call) => estimateOf(body, call),
};

/** The estimate as a client of the call's dialect reads a count. */
export function estimateOf(body: JsonObject, { exchange }: Call): AdaptedResult {
  exchange.setReplyHeader('x-bf-estimated', 'input_tokens');
  const instructions = body['tools'] === undefined ? 0 : toolTokens;
  const tokens = read.reduce((sum, name) => sum + tokensOf(body[name]), instructions);
  return { json: countReply(exchange.dialect, Math.ceil(tokens)) };
}

function tokensOf(value: JsonValue | undefined): number {
  if (typeof value === 'string') return tokensOfText(value);
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + tokensOf(item) + fixedTokens, 0);
  if (!isObject(value)) return 0;
  const media = mediaTokens(value);
  if (media !== undefined) return media;
  return Object.entries(value).reduce(
    (sum, [name, member]) =>
      sum + (frame.has(name) ? 0 : tokensOfText(name)) + (frameValues.has(name) ? 0 : tokensOf(member)),
    0,
  );
}

function tokensOfText(text: string): number {
  return Buffer.byteLength(text) / bytesPerToken;
}

/** Of an object that holds media: `source` of Anthropic, `inlineData` of Google, parts of OpenAI. */
function mediaTokens({ data, file_data, type, ...named }: JsonObject): number | undefined {
  if (type === 'input_image' || type === 'image_url') return tokensPerImage;
  const mediaType = named['media_type'] ?? named['mimeType'] ?? named['mime_type'] ?? named['format'];
  const encoded = typeof mediaType === 'string' && type !== 'text' ? data : file_data;
  if (typeof encoded !== 'string') return undefined;
  return String(mediaType ?? '').startsWith('image/') ? tokensPerImage : encoded.length / base64PerToken;
}
