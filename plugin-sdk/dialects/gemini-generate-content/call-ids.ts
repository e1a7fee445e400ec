import type { JsonObject } from '../../json.ts';

/** Gives calls that carry no id one that pairs them with their results. */
export interface CallIds {
  /** Id for the next call of `name`. */
  call(name: string): string;
  /** Id of the earliest call of `name` that has no result yet. */
  result(name: string): string;
}

/** Ids for a whole history, where both calls and results are seen: counted from its start. */
export function historyCallIds(): CallIds {
  const open = new Map<string, string[]>();
  let count = 0;
  return {
    call(name) {
      const id = `call_${count++}`;
      const waiting = open.get(name);
      if (waiting === undefined) open.set(name, [id]);
      else waiting.push(id);
      return id;
    },
    result: (name) => open.get(name)?.shift() ?? `call_${count++}`,
  };
}

/**
 * Ids for the calls of one answer. They come back in later requests beside the calls of other answers, so they are
 * made from what tells this answer from others: its id, or its token counts, which grow with the conversation.
 */
export function answerCallIds(response: JsonObject): CallIds {
  const { responseId, usageMetadata } = response;
  const seed =
    typeof responseId === 'string' && responseId !== '' ? responseId : hash(JSON.stringify(usageMetadata ?? response));
  let count = 0;
  const next = () => `call_${seed}_${count++}`;
  return { call: next, result: next };
}

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return (state >>> 0).toString(36);
}
