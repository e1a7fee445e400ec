import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/** `logprobsResult` in the shape of OpenAI chat, which conversations use: `{ content: [{ token, logprob, … }] }`. */
export function decodeLogprobs(result: JsonObject): JsonValue {
  const chosen = listOf(result['chosenCandidates']);
  const top = listOf(result['topCandidates']);
  const content = chosen.map((candidate, index) => ({
    ...tokenOf(candidate),
    top_logprobs: listOf(top[index]?.['candidates']).map(tokenOf),
  }));
  return { content, refusal: null };
}

function tokenOf(candidate: JsonObject): JsonObject {
  const token = String(candidate['token'] ?? '');
  return { token, logprob: candidate['logProbability'] ?? 0, bytes: [...Buffer.from(token)] };
}

export function encodeLogprobs(logprobs: JsonValue): JsonObject | undefined {
  if (!isObject(logprobs)) return undefined;
  const content = listOf(logprobs['content']);
  return {
    chosenCandidates: content.map(candidateOf),
    topCandidates: content.map((token) => ({ candidates: listOf(token['top_logprobs']).map(candidateOf) })),
  };
}

function candidateOf(token: JsonObject): JsonObject {
  return { token: token['token'], logProbability: token['logprob'] };
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
