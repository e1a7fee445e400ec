import {
  type Block,
  type Conversation,
  collect,
  GatewayError,
  getHeader,
  type MediaSource,
  type Message,
} from '../../plugin-sdk/index.ts';
import { send } from '../send.ts';
import type { Runtime } from './context.ts';

const maxBytes = 20 * 1024 * 1024;
const timeoutMs = 20_000;

/** The capability `inlineMedia` of a target: true, or which URLs (by their beginnings) it reads itself. */
export type InlineMedia = true | { readonly except: readonly string[] };

/**
 * Replaces media at http URLs by their bytes, for providers that take none. The fetch is guarded: public addresses only,
 * bounded in time and size, no redirects. Throws GatewayError REQ_INVALID naming the block.
 */
export async function inlineMedia(
  conversation: Conversation,
  wanted: InlineMedia,
  runtime: Runtime,
): Promise<Conversation> {
  const except = wanted === true ? [] : wanted.except;
  const needsFetch = (block: Block): boolean => {
    if (block.type === 'tool-result') return block.content.some(needsFetch);
    if (!('source' in block) || block.source.kind !== 'url') return false;
    const { url } = block.source;
    return /^https?:/i.test(url) && !except.some((start) => url.startsWith(start));
  };
  const messages: Message[] = [];
  for (const [m, message] of conversation.messages.entries()) {
    const blocks = await inlineBlocks(message.blocks, `messages[${m}].content`, needsFetch, runtime);
    messages.push(blocks === message.blocks ? message : { ...message, blocks });
  }
  return { ...conversation, messages };
}

async function inlineBlocks(
  blocks: readonly Block[],
  path: string,
  needsFetch: (block: Block) => boolean,
  runtime: Runtime,
): Promise<readonly Block[]> {
  if (!blocks.some(needsFetch)) return blocks;
  return Promise.all(
    blocks.map(async (block, i): Promise<Block> => {
      if (!needsFetch(block)) return block;
      if (block.type === 'tool-result')
        return { ...block, content: await inlineBlocks(block.content, `${path}[${i}]`, needsFetch, runtime) };
      if (!('source' in block) || block.source.kind !== 'url') return block;
      return { ...block, source: await fetchMedia(block.source.url, `${path}[${i}]`, runtime) };
    }),
  );
}

async function fetchMedia(address: string, path: string, runtime: Runtime): Promise<MediaSource> {
  const invalid = (reason: string): GatewayError =>
    new GatewayError(
      'REQ_INVALID',
      { reason: `The media at ${path} could not be fetched: ${reason}.` },
      { param: path },
    );
  const url = new URL(address);
  let stop: ((reason: Error) => void) | undefined;
  const timer = setTimeout(() => stop?.(invalid(`it did not arrive within ${timeoutMs} ms`)), timeoutMs);
  try {
    const request = {
      provider: url.hostname,
      origin: url.origin,
      method: 'GET',
      path: url.pathname + url.search,
      headers: ['accept', '*/*'],
      body: undefined,
      privateAddresses: false,
    };
    const reply = await send(request, runtime.connections, 5_000, (abort) => {
      stop = abort;
    });
    if (reply.status !== 200) {
      reply.abort(invalid('refused'));
      throw invalid(`the server answered ${reply.status}`);
    }
    const bytes = await collect(reply, maxBytes, () => invalid(`it is larger than ${maxBytes} bytes`));
    const mediaType = (getHeader(reply.headers, 'content-type') ?? 'application/octet-stream').split(';')[0]!.trim();
    return { kind: 'base64', mediaType, data: bytes.toString('base64') };
  } finally {
    clearTimeout(timer);
  }
}
