import { type Block, type Conversation, inBatches, type Message } from '../../plugin-sdk/index.ts';
import type { Runtime } from './context.ts';
import { MediaFetcher } from './fetch-media.ts';

/** The capability `inlineMedia` of a target: true, or which URLs (by their beginnings) it reads itself. */
export type InlineMedia = true | { readonly except: readonly string[] };

/** Files are held in memory: so many are fetched side by side. */
const fetchesAtOnce = 4;

/** Replaces media at http URLs by their bytes, for providers that take none. Throws GatewayError REQ_INVALID, GUARD_HOST. */
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
  if (!conversation.messages.some(({ blocks }) => blocks.some(needsFetch))) return conversation;
  const fetcher = new MediaFetcher(runtime);
  const messages: Message[] = [];
  for (const [m, message] of conversation.messages.entries()) {
    const blocks = await inlineBlocks(message.blocks, `messages[${m}].content`, needsFetch, fetcher);
    messages.push(blocks === message.blocks ? message : { ...message, blocks });
  }
  return { ...conversation, messages };
}

async function inlineBlocks(
  blocks: readonly Block[],
  path: string,
  needsFetch: (block: Block) => boolean,
  fetcher: MediaFetcher,
): Promise<readonly Block[]> {
  if (!blocks.some(needsFetch)) return blocks;
  const inline = async (block: Block, at: string): Promise<Block> => {
    if (!needsFetch(block)) return block;
    if (block.type === 'tool-result') {
      return { ...block, content: await inlineBlocks(block.content, at, needsFetch, fetcher) };
    }
    if (!('source' in block) || block.source.kind !== 'url') return block;
    return { ...block, source: await fetcher.fetch(block.source.url, at) };
  };
  const result: Block[] = [];
  for (const batch of inBatches([...blocks.entries()], fetchesAtOnce)) {
    result.push(...(await Promise.all(batch.map(([i, block]) => inline(block, `${path}[${i}]`)))));
  }
  return result;
}
