import { type BytesBody, isObject, type JsonValue } from '../../plugin-sdk/index.ts';
import type { Estimates } from './options.ts';

/** Input of a request, as far as the request itself says. */
export interface InputEstimate {
  readonly tokens: number;
  /** The provider may read more than the request and its context window hold: results of its own tools, in several passes. */
  readonly unbounded: boolean;
}

/** Members of a request that the estimate of its input needs besides its bytes. */
export const inputNames = [
  'tools',
  'toolConfig',
  'mcp_servers',
  'plugins',
  'web_search_options',
  'previous_response_id',
  'conversation',
  'prompt',
  'cachedContent',
  'cached_content',
  'reasoning',
] as const;

/** Media in a JSON body; looked for before the body is parsed to measure them. */
const mediaSigns = ['"image', '"input_', '"file', '"audio', '"video', '"inline', '"document', 's3Location'];
/** Base64 characters per token: the densest speech that anyone bills (32 tokens a second, 16 kbit/s). */
const base64PerToken = 64;
/** Base64 characters per token of a document: four make three bytes, and a byte of packed text may be a token and more. */
const base64PerDocumentToken = 2.5;
/** A page costs this however little it holds: text and picture of it are both read. */
const documentTokens = 5_000;
const longText = 2_048;
/** Wire overhead of roles and templates; and of tools, for which providers add instructions of their own. */
const fixedTokens = 64;
const toolTokens = 1_500;

/** Tool types that the caller runs itself; they cost what they say and some instructions. */
const callersTools = /^(function|custom|client|bash|text_editor|memory|computer|local_shell|apply_patch)(_|$)/;
/** Google names its own tools by the member that switches them on. */
const googleTools = /^(google_?search|google_?maps|code_?execution|url_?context|file_?search|retrieval|mcp_?servers)/i;

/**
 * An upper bound of the input: text by its bytes, media by their kind and size, what lies outside the request (files,
 * stored conversations, tools that the provider runs) by the options.
 */
export function estimateInput(
  body: BytesBody,
  members: ReadonlyMap<string, unknown>,
  options: Estimates,
): InputEstimate {
  const hasTools = members.has('tools') || members.has('toolConfig');
  const searches = runsTools(members);
  const extra =
    fixedTokens +
    (hasTools ? toolTokens : 0) +
    (searches ? options.providerTools : 0) +
    (continuesStored(members) ? options.storedContext : 0);
  const media = { bytes: 0, tokens: 0 };
  if (body.pieces.mention(mediaSigns)) measureMedia(body.json(), '', media, options);
  const text = Math.ceil(Math.max(body.size - media.bytes, 0) / options.bytesPerToken);
  return { tokens: extra + media.tokens + text, unbounded: searches };
}

/** Whether the provider may run tools of its own, whose results it charges as input. */
function runsTools(members: ReadonlyMap<string, unknown>): boolean {
  for (const name of ['mcp_servers', 'plugins', 'web_search_options']) {
    const value = members.get(name);
    if (Array.isArray(value) ? value.length > 0 : isObject(value)) return true;
  }
  // OpenAI's pro mode thinks in several passes over the same input.
  const reasoning = members.get('reasoning');
  if (isObject(reasoning) && reasoning['mode'] === 'pro') return true;
  const config = members.get('toolConfig');
  const tools = members.get('tools') ?? (isObject(config) ? config['tools'] : undefined);
  return Array.isArray(tools) && tools.some(isProviders);
}

function isProviders(tool: unknown): boolean {
  if (!isObject(tool)) return false;
  const { type } = tool;
  if (typeof type === 'string') return !callersTools.test(type);
  return Object.keys(tool).some((name) => name === 'systemTool' || googleTools.test(name));
}

/** Whether the call goes on with input that the provider has stored. */
function continuesStored(members: ReadonlyMap<string, unknown>): boolean {
  const stated = (name: string): boolean => {
    const value = members.get(name);
    return (typeof value === 'string' && value !== '') || isObject(value);
  };
  const prompt = members.get('prompt');
  return (
    stated('previous_response_id') ||
    stated('conversation') ||
    stated('cachedContent') ||
    stated('cached_content') ||
    (isObject(prompt) && typeof prompt['id'] === 'string')
  );
}

/** Finds media in a request of any dialect by the shape of their values. */
function measureMedia(
  value: JsonValue | undefined,
  kind: string,
  found: { bytes: number; tokens: number },
  options: Estimates,
): void {
  if (typeof value === 'string') {
    measureText(value, kind, found, options);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) measureMedia(item, kind, found, options);
    return;
  }
  if (!isObject(value)) return;
  const type = [kind, value['type'], value['media_type'], value['mimeType'], value['mime_type'], value['format']]
    .filter((word) => typeof word === 'string')
    .join(' ');
  for (const [name, member] of Object.entries(value)) {
    if (isReference(name, member)) found.tokens += /image/.test(`${type} ${name}`) ? options.image : options.file;
    else
      measureMedia(
        member,
        /^(image|input_image|file|document|input_audio|audio|video|inline)/i.test(name) ? `${type} ${name}` : type,
        found,
        options,
      );
  }
}

/** Base64 of a medium. Long text of any other kind, such as the signature of a thought, counts by its bytes. */
function measureText(text: string, kind: string, found: { bytes: number; tokens: number }, options: Estimates): void {
  if (text.length <= longText || text.includes(' ', 64)) return;
  const said = kind + text.slice(0, 32);
  const tokens = /image/.test(said)
    ? options.image
    : /audio|video/.test(said)
      ? Math.ceil(text.length / base64PerToken)
      : /pdf|document|file|application|inline|base64/.test(said)
        ? documentTokens + Math.ceil(text.length / base64PerDocumentToken)
        : undefined;
  if (tokens === undefined) return;
  found.bytes += text.length;
  found.tokens += tokens;
}

/** Media that stay outside the request: a URL or the id of a stored file. */
function isReference(name: string, value: JsonValue | undefined): boolean {
  if (typeof value !== 'string') return false;
  if (/^(file_id|file_?uri|file_url)$/i.test(name)) return true;
  return (name === 'url' || name === 'uri' || name === 'image_url') && /^(https?|gs|s3):/.test(value);
}
