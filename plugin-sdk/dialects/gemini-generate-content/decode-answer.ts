import type { Answer, AnswerChoice, Block, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { type RestoreCall, restoreCalls } from '../restore-call.ts';
import { answerCallIds, type CallIds } from './call-ids.ts';
import { decodePart } from './decode-part.ts';
import { googleToolNames } from './encode-request.ts';
import { blockedPromptText, decodeFinish } from './finish.ts';
import { decodeGrounding } from './grounding.ts';
import { decodeLogprobs } from './logprobs.ts';
import { keep } from './notes.ts';
import { decodeUsage, usageRest } from './usage.ts';

/**
 * Reads a GenerateContentResponse. One without candidates gets a choice all the same: a refusal when the prompt was
 * blocked, an error otherwise.
 */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  const { candidates, usageMetadata, modelVersion, responseId, createTime, ...rest } = body;
  if (!Array.isArray(candidates) && rest['promptFeedback'] === undefined && usageMetadata === undefined) {
    throw new GatewayError('UP_BAD_BODY', {
      provider: 'google',
      reason: 'it has neither candidates nor promptFeedback',
    });
  }
  const ids = answerCallIds(body);
  const restore = restoreCalls(request, googleToolNames(request));
  const choices = (Array.isArray(candidates) ? candidates : [])
    .filter(isObject)
    .map((candidate, position) => decodeCandidate(candidate, position, ids, restore));
  if (choices.length === 0) choices.push(missingChoice(rest['promptFeedback']));
  const usage = isObject(usageMetadata) ? usageMetadata : undefined;
  return {
    ...headOf(body),
    choices,
    ...present({ usage: usage && decodeUsage(usage), serviceTier: usage && tierOf(usage) }),
    ...keep(
      { ...rest, ...present({ createTime, usageMetadata: usage && usageRest(usage) }) },
      { absent: candidates === undefined ? ['candidates'] : [] },
      true,
    ),
  };
}

/** Id, model and time, which every chunk of a stream repeats. */
export function headOf(body: JsonObject): Pick<Answer, 'id' | 'model' | 'created'> {
  const { responseId, modelVersion, createTime } = body;
  const created = typeof createTime === 'string' ? Math.floor(Date.parse(createTime) / 1_000) : Number.NaN;
  return present({
    id: typeof responseId === 'string' ? responseId : undefined,
    model: typeof modelVersion === 'string' ? modelVersion : undefined,
    created: Number.isNaN(created) ? undefined : created,
  });
}

/** The Gemini API names the tier; Vertex names the kind of traffic, such as `ON_DEMAND_FLEX`. */
function tierOf(usage: JsonObject): string | undefined {
  const { serviceTier, trafficType } = usage;
  if (typeof serviceTier === 'string') return serviceTier;
  if (trafficType === 'ON_DEMAND_FLEX') return 'flex';
  return trafficType === 'ON_DEMAND_PRIORITY' ? 'priority' : undefined;
}

function decodeCandidate(candidate: JsonObject, position: number, ids: CallIds, restore: RestoreCall): AnswerChoice {
  const { index, content, finishReason, ...rest } = candidate;
  const absent: string[] = [];
  if (typeof index !== 'number') absent.push('index');
  if (!isObject(content)) absent.push('content');
  const { role, parts, ...contentRest } = isObject(content) ? content : {};
  if (role === undefined) absent.push('role');
  if (parts === undefined) absent.push('parts');
  if (Object.keys(contentRest).length > 0) rest['content'] = contentRest;

  const firstBlockOf: number[] = [];
  const blocks: Block[] = [];
  for (const part of Array.isArray(parts) ? parts : []) {
    firstBlockOf.push(blocks.length);
    if (isObject(part)) for (const block of decodePart(part, ids)) blocks.push(restore(block));
  }
  cite(blocks, firstBlockOf, rest['groundingMetadata']);
  const called = blocks.some((block) => block.type === 'tool-call');
  const { logprobsResult } = rest;
  return {
    index: typeof index === 'number' ? index : position,
    blocks,
    ...present({
      finish: typeof finishReason === 'string' ? decodeFinish(finishReason, called) : undefined,
      logprobs: isObject(logprobsResult) ? decodeLogprobs(logprobsResult) : undefined,
    }),
    ...keep(rest, { absent }, true),
  };
}

function cite(blocks: Block[], firstBlockOf: readonly number[], metadata: JsonValue | undefined): void {
  if (!isObject(metadata)) return;
  const textBlock = (part: number) => {
    const block = blocks[firstBlockOf[part] ?? -1];
    return block?.type === 'text' ? block : undefined;
  };
  for (const { part, citation } of decodeGrounding(metadata, (part) => textBlock(part)?.text)) {
    const block = textBlock(part);
    if (block !== undefined)
      blocks[firstBlockOf[part]!] = { ...block, citations: [...(block.citations ?? []), citation] };
  }
}

function missingChoice(feedback: JsonValue | undefined): AnswerChoice {
  const notes = keep({}, { synthetic: true });
  const reason = isObject(feedback) ? feedback['blockReason'] : undefined;
  if (typeof reason !== 'string') return { index: 0, blocks: [], finish: { reason: 'error' }, ...notes };
  const text = blockedPromptText(reason, (feedback as JsonObject)['blockReasonMessage']);
  return {
    index: 0,
    blocks: [{ type: 'refusal', text }],
    finish: { reason: 'content-filter', native: reason },
    ...notes,
  };
}
