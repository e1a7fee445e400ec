import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/**
 * Cohere's log probabilities (`LogprobItem {text, token_ids, logprobs}`, cohere-ai 7 types: "the log probability of each
 * token used to construct the text chunk") in OpenAI's form, which is that of a conversation. An item of several tokens has
 * one text for all, so that nobody knows where a token ends: it is left out. A stream gives one item at a time.
 */
export function decodeLogprobs(value: JsonValue | undefined): JsonObject | undefined {
  const content = [value].flat().flatMap(tokenOf);
  return content.length === 0 ? undefined : { content, refusal: null };
}

function tokenOf(item: JsonValue | undefined): JsonObject[] {
  if (!isObject(item)) return [];
  const { text: token, token_ids: ids, logprobs } = item;
  if (typeof token !== 'string' || !Array.isArray(ids) || ids.length !== 1) return [];
  if (!Array.isArray(logprobs) || logprobs.length !== 1 || typeof logprobs[0] !== 'number') return [];
  return [{ token, logprob: logprobs[0], bytes: [...Buffer.from(token)], top_logprobs: [] }];
}
