import type { Answer, AnswerChoice, Citation } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { present } from '../present.ts';
import { encodeAssistant, type MessageContext } from './encode-messages.ts';
import { encodeFinish } from './finish.ts';
import { isNative, kept } from './notes.ts';
import { encodeUsage } from './usage.ts';

const clientContext: MessageContext = {
  audience: 'client',
  names: { toWire: (name) => name, fromWire: (name) => name },
  images: true,
  lost: () => {},
};

/** Writes a v2 chat response. Cohere knows one choice; the first is given. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const { usage: readUsage, ...rest } = kept(answer).fields;
  const choice = answer.choices[0];
  return {
    ...rest,
    ...(isNative(answer) ? present({ id: answer.id }) : { id: answer.id ?? context.requestId }),
    ...present({
      finish_reason: choice?.finish && encodeFinish(choice.finish),
      usage: answer.usage && encodeUsage(answer.usage, isObject(readUsage) ? readUsage : undefined),
    }),
    message: choice === undefined ? { role: 'assistant', content: [] } : encodeMessage(choice),
  };
}

function encodeMessage(choice: AnswerChoice): JsonObject {
  const native = isNative(choice);
  const shown = native
    ? choice.blocks
    : choice.blocks.filter((block) => block.type !== 'provider-item' && block.type !== 'file');
  const blocks = shown.map((block) => (block.type === 'reasoning' ? { ...block, maker: 'cohere' } : block));
  const message = encodeAssistant(
    { role: 'assistant', blocks, ...present({ carry: choice.carry }) },
    '',
    clientContext,
  );
  if (native) return message ?? { role: 'assistant' };
  const { content, ...others } = message ?? { role: 'assistant' };
  const citations = choice.blocks.flatMap((block) => (block.type === 'text' ? (block.citations ?? []) : []));
  return {
    ...others,
    ...(content === undefined
      ? {}
      : { content: typeof content === 'string' ? [{ type: 'text', text: content }] : content }),
    ...(citations.length === 0 ? {} : { citations: citations.map(encodeCitation) }),
  };
}

/** Sources of other dialects are URLs; here they are documents that have one. */
export function encodeCitation(citation: Citation): JsonObject {
  const { start, end, text, url, title } = citation;
  const source = url === undefined ? undefined : { type: 'document', id: url, document: present({ url, title }) };
  const sources = source === undefined ? [] : [source];
  return { sources, ...kept(citation).fields, ...present({ start, end, text }) };
}
