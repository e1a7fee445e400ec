import type { Answer, Block } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { inputForClient, signatureOf } from '../anthropic-messages/encode-answer.ts';
import { carriedFields, spellingOf } from '../anthropic-messages/fields.ts';
import type { AnswerContext } from '../dialect.ts';
import { present } from '../present.ts';
import { dialectId, sealRedacted } from './decode-block.ts';
import { encodeCitation } from './encode-block.ts';
import { encodeFinish } from './finish.ts';
import { encodeUsage } from './usage.ts';

/** Writes a Converse reply from the first choice. */
export function encodeAnswer(answer: Answer, _context: AnswerContext): JsonObject {
  const choice = answer.choices[0];
  const { usage: read, ...carried } = carriedFields(answer, dialectId);
  return {
    output: { message: { role: 'assistant', content: (choice?.blocks ?? []).flatMap(encodeAnswerBlock) } },
    stopReason: encodeFinish(choice?.finish ?? { reason: 'stop' }),
    usage: encodeUsage(answer.usage ?? { input: 0, output: 0 }, isObject(read) ? read : undefined),
    metrics: { latencyMs: 0 },
    ...carried,
  };
}

function encodeAnswerBlock(block: Block): JsonObject[] {
  const carried = carriedFields(block, dialectId);
  switch (block.type) {
    case 'text': {
      const cites = spellingOf(block, dialectId, '$form') === 'citations' || (block.citations?.length ?? 0) > 0;
      if (!cites) return [{ text: block.text }];
      return [
        {
          citationsContent: present({
            content: [{ text: block.text }],
            citations: block.citations?.map(encodeCitation),
          }),
        },
      ];
    }
    case 'refusal':
      return [{ text: block.text }];
    case 'reasoning': {
      if (block.maker === 'anthropic' && block.encrypted !== undefined) {
        const raw = spellingOf(block, dialectId, '$raw') === true;
        return [{ reasoningContent: { redactedContent: raw ? block.encrypted : sealRedacted(block.encrypted) } }];
      }
      const signature = signatureOf(block) || block.signature;
      return [
        {
          reasoningContent: {
            reasoningText: present({ text: block.text ?? block.summary?.join('\n\n') ?? '', signature, ...carried }),
          },
        },
      ];
    }
    case 'tool-call': {
      const type = spellingOf(block, dialectId, '$type');
      return [
        {
          toolUse: {
            toolUseId: block.id,
            name: block.name,
            input: inputForClient(block),
            ...present({ type }),
            ...carried,
          },
        },
      ];
    }
    case 'image': {
      if (block.source.kind !== 'base64') return [];
      return [
        { image: { format: block.source.mediaType.slice('image/'.length), source: { bytes: block.source.data } } },
      ];
    }
    case 'audio':
      return block.transcript ? [{ text: block.transcript }] : [];
    case 'provider-item':
      return block.dialect === dialectId ? [block.value] : [];
    default:
      return [];
  }
}
