import type { Answer, AnswerChoice, Block, Finish, ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { present } from '../present.ts';
import { sealProof } from '../sealed-proof.ts';
import { dialectId } from './dialect-id.ts';
import { encodeCitation, encodeImageSource } from './encode-block.ts';
import { carriedFields, spellingOf } from './fields.ts';
import { encodeFinish, refusedFinish } from './finish.ts';
import { encodeUsage } from './usage.ts';

/** Writes a `message` object from the first choice. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const choice = answer.choices[0];
  const read = answer.carry?.[dialectId];
  const usage = encodeUsage(answer.usage ?? { input: 0, output: 0 }, read && (isObject(read.usage) ? read.usage : {}));
  const tier = read === undefined ? tierOf(answer.serviceTier) : answer.serviceTier;
  return {
    id: answer.id || `msg_${context.requestId}`,
    type: 'message',
    role: 'assistant',
    model: answer.model ?? context.model,
    content: (choice?.blocks ?? []).flatMap(encodeAnswerBlock),
    ...encodeFinish(choice && finishOf(choice)),
    ...carriedFields(answer, dialectId),
    usage: present({ ...usage, service_tier: tier }),
  };
}

function finishOf({ blocks, finish }: AnswerChoice): Finish | undefined {
  return finish && (blocks.some(isRefusal) ? refusedFinish(finish) : finish);
}

function isRefusal(block: Block): boolean {
  return block.type === 'refusal';
}

/** One block for a client; a proof of another maker travels sealed, for the client to send back. */
export function encodeAnswerBlock(block: Block): JsonObject[] {
  const carried = carriedFields(block, dialectId);
  switch (block.type) {
    case 'text':
      return [
        { type: 'text', text: block.text, ...present({ citations: block.citations?.map(encodeCitation) }), ...carried },
      ];
    case 'refusal':
      return spellingOf(block, dialectId, '$in') === 'stop_details' ? [] : [{ type: 'text', text: block.text }];
    case 'reasoning': {
      if (block.maker === 'anthropic' && block.encrypted !== undefined)
        return [{ type: 'redacted_thinking', data: block.encrypted, ...carried }];
      return [
        {
          type: 'thinking',
          thinking: block.text ?? block.summary?.join('\n\n') ?? '',
          signature: signatureOf(block),
          ...carried,
        },
      ];
    }
    case 'tool-call':
      return [
        { type: 'tool_use', id: block.id, name: block.name, input: inputForClient(block), ...carried },
        ...sealedCallProof(block),
      ];
    case 'image':
      return [{ type: 'image', source: encodeImageSource(block.source, 'content', true) }];
    case 'audio':
      return block.transcript ? [{ type: 'text', text: block.transcript }] : [];
    case 'provider-item':
      return block.dialect === dialectId ? [block.value] : [];
    default:
      return [];
  }
}

/** Anthropic's own signature, a sealed foreign proof, or '' (the format demands the field). */
export function signatureOf(block: Extract<Block, { type: 'reasoning' }>): string {
  const { maker, signature, encrypted, id, summary } = block;
  if (maker === 'anthropic' || maker === undefined) return signature ?? '';
  if (signature === undefined && encrypted === undefined && id === undefined) return '';
  return sealProof({ maker, ...present({ signature, encrypted, id, summary }) });
}

/** A proof on a call has no place in `tool_use`; it follows as a redacted thinking block that names the call. */
export function sealedCallProof({
  id,
  maker,
  signature,
  itemId,
}: Pick<ToolCallBlock, 'id' | 'maker' | 'signature' | 'itemId'>): JsonObject[] {
  if (signature === undefined && itemId === undefined) return [];
  return [
    {
      type: 'redacted_thinking',
      data: sealProof({ maker: maker ?? 'unknown', call: id, ...present({ signature, id: itemId }) }),
    },
  ];
}

/** Arguments as an object, whatever the model wrote: `null` is none, and what is no JSON object is kept under a name. */
export function inputForClient(call: Pick<ToolCallBlock, 'arguments' | 'kind'>): JsonValue {
  if (call.kind === 'custom') return { input: call.arguments };
  if (call.arguments.trim() === '') return {};
  try {
    const value = JSON.parse(call.arguments) as JsonValue;
    if (value === null) return {};
    return isObject(value) ? value : { value };
  } catch {
    return { _raw: call.arguments };
  }
}

function tierOf(tier: string | undefined): string | undefined {
  if (tier === undefined) return undefined;
  return tier === 'priority' || tier === 'batch' ? tier : 'standard';
}
