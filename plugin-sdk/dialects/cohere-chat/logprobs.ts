import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/**
 * Cohere's log probabilities (`LogprobItem {text, token_ids, logprobs}`, cohere-ai 7 types) in OpenAI's form, which is that of
 * a conversation. Its items may hold several tokens and one text; undefined then, since nobody knows where a token ends.
 */
export function decodeLogprobs(value: JsonValue | undefined): JsonObject | undefined {
  const items = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  const content: JsonObject[] = [];
  for (const item of items) {
    if (!isObject(item)) return undefined;
    const { text: token, token_ids: ids, logprobs } = item;
    if (typeof token !== 'string' || !Array.isArray(logprobs) || logprobs.length !== 1) return undefined;
    if (Array.isArray(ids) && ids.length !== 1) return undefined;
    content.push({ token, logprob: logprobs[0]!, bytes: [...Buffer.from(token)], top_logprobs: [] });
  }
  return content.length === 0 ? undefined : { content, refusal: null };
}
