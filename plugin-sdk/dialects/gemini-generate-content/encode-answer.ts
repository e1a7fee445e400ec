import type { Answer, AnswerChoice, TextBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AnswerContext } from '../dialect.ts';
import { present } from '../present.ts';
import { capabilitiesOf } from './capabilities.ts';
import { encodePart, type PartContext } from './encode-part.ts';
import { encodeFinish } from './finish.ts';
import { encodeGrounding } from './grounding.ts';
import { encodeLogprobs } from './logprobs.ts';
import { isNative, kept } from './notes.ts';
import { encodeUsage } from './usage.ts';

/** A client is given everything, whatever the model that it named could take. */
export const clientContext: PartContext = {
  audience: 'client',
  capabilities: capabilitiesOf('', { remoteUrls: true }),
  names: { toWire: (name) => name, fromWire: (name) => name },
  toolOf: () => undefined,
  lost: () => {},
};

/** Writes a GenerateContentResponse. */
export function encodeAnswer(answer: Answer, context: AnswerContext): JsonObject {
  const { fields, notes } = kept(answer);
  const native = isNative(answer);
  const { usageMetadata, ...rest } = fields;
  const choices = answer.choices.filter((choice) => kept(choice).notes.synthetic !== true);
  const body: JsonObject = { ...rest };
  if (choices.length > 0 || !notes.absent?.includes('candidates')) body['candidates'] = choices.map(encodeChoice);
  if (answer.usage !== undefined)
    body['usageMetadata'] = encodeUsage(answer.usage, isObject(usageMetadata) ? usageMetadata : {});
  return {
    ...body,
    ...headFields(
      answer.id ?? (native ? undefined : context.requestId),
      answer.model ?? (native ? undefined : context.model),
    ),
    ...(native || answer.created === undefined ? {} : { createTime: timeText(answer.created) }),
  };
}

export function headFields(id: string | undefined, model: string | undefined): JsonObject {
  return present({ modelVersion: model, responseId: id });
}

function timeText(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString();
}

function encodeChoice(choice: AnswerChoice): JsonObject {
  const { fields, notes } = kept(choice);
  const { content: contentRest, ...rest } = fields;
  const absent = notes.absent ?? [];
  const parts: JsonObject[] = [];
  const texts: { part: number; block: TextBlock }[] = [];
  for (const block of choice.blocks) {
    if ('source' in block && block.source.kind === 'file') continue;
    encodePart(block, parts, '', clientContext);
    if (block.type === 'text') texts.push({ part: parts.length - 1, block });
  }
  const candidate: JsonObject = { ...rest };
  if (!absent.includes('content') || parts.length > 0) {
    candidate['content'] = {
      ...(isObject(contentRest) ? contentRest : {}),
      ...(absent.includes('parts') && parts.length === 0 ? {} : { parts }),
      ...(absent.includes('role') ? {} : { role: 'model' }),
    };
  }
  if (choice.finish !== undefined) candidate['finishReason'] = encodeFinish(choice.finish);
  if (!absent.includes('index')) candidate['index'] = choice.index;
  if (!isNative(choice)) {
    const logprobs = choice.logprobs === undefined ? undefined : encodeLogprobs(choice.logprobs);
    Object.assign(candidate, present({ logprobsResult: logprobs, groundingMetadata: encodeGrounding(texts) }));
  }
  return candidate;
}
