import { type Block, type Conversation, inBatches, type Message } from '../../plugin-sdk/index.ts';
import type { LiveExchange } from '../exchange.ts';
import type { Runtime } from './context.ts';
import { MediaFetcher } from './fetch-media.ts';

/** The capability `inlineMedia` of a target: true, or what it needs inline. */
export type InlineMedia =
  | true
  | {
      /** Kinds of media; absent: all. */
      readonly kinds?: readonly Block['type'][];
      /** Beginnings of URLs that it reads itself. */
      readonly except?: readonly string[];
      /** Endings of paths that it does not read even so. */
      readonly endings?: readonly string[];
    };

/** Files are held in memory: so many are fetched side by side. */
const fetchesAtOnce = 4;

/** Replaces media at http URLs by their bytes, for providers that take none. Throws GatewayError REQ_INVALID, GUARD_HOST. */
export async function inlineMedia(
  conversation: Conversation,
  wanted: InlineMedia,
  runtime: Runtime,
  exchange: Pick<LiveExchange, 'onStop' | 'stopped'>,
): Promise<Conversation> {
  const { kinds, except = [], endings = [] }: Exclude<InlineMedia, true> = wanted === true ? {} : wanted;
  const needsFetch = (block: Block): boolean => {
    if (block.type === 'tool-result') return block.content.some(needsFetch);
    if (!('source' in block) || block.source.kind !== 'url') return false;
    if (kinds !== undefined && !kinds.includes(block.type)) return false;
    const { url } = block.source;
    if (!/^https?:/i.test(url)) return false;
    const path = url.split(/[?#]/, 1)[0]!.toLowerCase();
    return !except.some((start) => url.startsWith(start)) || endings.some((end) => path.endsWith(end));
  };
  if (!conversation.messages.some(({ blocks }) => blocks.some(needsFetch))) return conversation;
  const fetcher = new MediaFetcher(runtime, exchange);
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
