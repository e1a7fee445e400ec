import type { Answer, Block, Citation, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { restoreCalls } from '../restore-call.ts';
import { decodeAssistant } from './decode-messages.ts';
import { decodeFinish } from './finish.ts';
import { decodeLogprobs } from './logprobs.ts';
import { cohereToolNames, keep } from './notes.ts';
import { decodeUsage } from './usage.ts';

/** Reads a v2 chat response. Its citations are given to the text that they cite. */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  const { id, message, finish_reason: word, usage, ...rest } = body;
  if (!isObject(message)) throw new GatewayError('UP_BAD_BODY', { provider: 'cohere', reason: 'it has no message' });
  const decoded = decodeAssistant(message);
  const restore = restoreCalls(request, cohereToolNames(request));
  const blocks = cite(decoded.blocks.map(restore), message['citations']);
  const called = blocks.some((block) => block.type === 'tool-call');
  return {
    ...present({
      id: typeof id === 'string' ? id : undefined,
      usage: isObject(usage) ? decodeUsage(usage) : undefined,
    }),
    choices: [
      {
        index: 0,
        blocks,
        ...present({
          finish: typeof word === 'string' ? decodeFinish(word, called) : undefined,
          logprobs: decodeLogprobs(rest.logprobs),
          carry: decoded.carry,
        }),
      },
    ],
    ...keep({ ...rest, ...present({ usage }) }, {}, true),
  };
}

/** Citations count from the start of their content part; a plan has none. */
function cite(blocks: Block[], citations: JsonValue | undefined): Block[] {
  if (!Array.isArray(citations)) return blocks;
  const contentBlocks = blocks.filter((block) => block.type !== 'tool-call');
  const byBlock = new Map<Block, Citation[]>();
  const firstText = contentBlocks.find((block) => block.type === 'text');
  for (const citation of citations.filter(isObject)) {
    const index = citation['content_index'];
    const block = typeof index === 'number' ? contentBlocks[index] : firstText;
    if (block?.type !== 'text') continue;
    byBlock.set(block, [...(byBlock.get(block) ?? []), decodeCitation(citation)]);
  }
  return blocks.map((block) => {
    const found = byBlock.get(block);
    return found === undefined ? block : ({ ...block, citations: found } as Block);
  });
}

export function decodeCitation({ start, end, text, sources, ...rest }: JsonObject): Citation {
  const first = Array.isArray(sources) ? sources.find(isObject) : undefined;
  const document = isObject(first?.['document']) ? first['document'] : {};
  const { url, title } = document;
  return {
    ...present({
      start: typeof start === 'number' ? start : undefined,
      end: typeof end === 'number' ? end : undefined,
      text: typeof text === 'string' ? text : undefined,
      url: typeof url === 'string' ? url : undefined,
      title: typeof title === 'string' ? title : undefined,
    }),
    ...keep({ ...rest, ...present({ sources }) }),
  };
}
