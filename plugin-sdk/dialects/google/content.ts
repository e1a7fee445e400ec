import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AdaptedReply } from '../../provider.ts';
import { decodeUsage } from '../gemini-generate-content/usage.ts';

/** Media as it lies in an answer. */
export interface InlineData {
  readonly mimeType: string;
  /** Base64. */
  readonly data: string;
}

/** The parts of the first candidate. */
export function partsOf(reply: AdaptedReply | undefined): JsonObject[] {
  const candidates = reply?.json?.['candidates'];
  const first = Array.isArray(candidates) ? candidates[0] : undefined;
  const content = isObject(first) ? first['content'] : undefined;
  const parts = isObject(content) ? content['parts'] : undefined;
  return Array.isArray(parts) ? parts.filter(isObject) : [];
}

export function inlineDataOf(reply: AdaptedReply): InlineData[] {
  return partsOf(reply).flatMap(({ inlineData, thought }) => {
    if (!isObject(inlineData) || thought === true || typeof inlineData['data'] !== 'string') return [];
    return [{ mimeType: String(inlineData['mimeType'] ?? ''), data: inlineData['data'] }];
  });
}

/** Text without thoughts. */
export function textOf(reply: AdaptedReply | undefined): string {
  return partsOf(reply)
    .flatMap(({ text, thought }) => (typeof text === 'string' && thought !== true ? [text] : []))
    .join('');
}

/** Why nothing came: the block reason of the prompt, or the finish reason of the candidate. */
export function reasonOf(reply: AdaptedReply): string {
  const feedback = reply.json?.['promptFeedback'];
  if (isObject(feedback) && typeof feedback['blockReason'] === 'string') return feedback['blockReason'];
  const candidates = reply.json?.['candidates'];
  const first = Array.isArray(candidates) ? candidates[0] : undefined;
  return isObject(first) && typeof first['finishReason'] === 'string' ? first['finishReason'] : 'no reason given';
}

/** Usage of all replies together. */
export function usageOf(replies: readonly AdaptedReply[]): Usage {
  const sum: Record<string, number> = { input: 0, output: 0 };
  for (const { json } of replies) {
    const metadata = json?.['usageMetadata'];
    if (!isObject(metadata)) continue;
    for (const [name, value] of Object.entries(decodeUsage(metadata))) {
      if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value;
    }
  }
  return sum as unknown as Usage;
}
