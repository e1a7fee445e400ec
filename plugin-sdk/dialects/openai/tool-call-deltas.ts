import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { EventQuirks } from '../../provider.ts';
import { mapObjectsIn } from '../map-objects.ts';

/** The calls of one choice, in the order in which they began. */
interface Calls {
  /** Ids by place; `undefined` for a call that has none. */
  readonly ids: (string | undefined)[];
  /** Place of the latest call that the server put at an index. */
  readonly latestAt: Map<number, number>;
}

/**
 * Brings the tool calls of a stream to OpenAI's shape: some servers give every parallel call index 0 (vLLM, Ollama), leave
 * index or `type` out (Mistral), or end with `stop` after calls. Clients put fragments together by index, so two calls at one
 * become a single one whose arguments are no JSON. A fragment belongs to the call with its id, else to the latest at its index.
 */
export class ToolCallDeltas implements EventQuirks {
  readonly #byChoice = new Map<JsonValue | undefined, Calls>();

  get watches(): boolean {
    return this.#byChoice.size > 0;
  }

  event(json: JsonObject): JsonObject | undefined {
    const shaped = mapObjectsIn(json, 'choices', (choice) => this.#choice(choice));
    return shaped === json ? undefined : shaped;
  }

  #choice(choice: JsonObject): JsonObject {
    const { delta, finish_reason: finish, index } = choice;
    let shaped = choice;
    if (isObject(delta) && Array.isArray(delta['tool_calls']) && delta['tool_calls'].length > 0) {
      const calls = this.#callsOf(index);
      const placed = mapObjectsIn(delta, 'tool_calls', (fragment) => place(calls, fragment));
      if (placed !== delta) shaped = { ...shaped, delta: placed };
    }
    return finish === 'stop' && this.#byChoice.has(index) ? { ...shaped, finish_reason: 'tool_calls' } : shaped;
  }

  #callsOf(choice: JsonValue | undefined): Calls {
    let calls = this.#byChoice.get(choice);
    if (calls === undefined) this.#byChoice.set(choice, (calls = { ids: [], latestAt: new Map() }));
    return calls;
  }
}

/** A whole answer's calls, each with its type, and the finish that follows calls; undefined when there is nothing to do. */
export function shapeToolCalls(json: JsonObject): JsonObject | undefined {
  const shaped = mapObjectsIn(json, 'choices', shapeChoice);
  return shaped === json ? undefined : shaped;
}

function shapeChoice(choice: JsonObject): JsonObject {
  const { message, finish_reason: finish } = choice;
  if (!isObject(message) || !Array.isArray(message['tool_calls']) || message['tool_calls'].length === 0) return choice;
  const typed = mapObjectsIn(message, 'tool_calls', shapeCall);
  if (typed === message && finish !== 'stop') return choice;
  return { ...choice, message: typed, finish_reason: finish === 'stop' ? 'tool_calls' : finish! };
}

function place(calls: Calls, fragment: JsonObject): JsonObject {
  const id = typeof fragment['id'] === 'string' && fragment['id'] !== '' ? fragment['id'] : undefined;
  const index = typeof fragment['index'] === 'number' ? fragment['index'] : undefined;
  const latest = index === undefined ? calls.ids.length - 1 : calls.latestAt.get(index);
  const continued = id === undefined ? latest : latestOf(calls, id, latest);
  if (continued !== undefined && continued >= 0)
    return fragment['index'] === continued ? fragment : { ...fragment, index: continued };
  const own = calls.ids.push(id) - 1;
  calls.latestAt.set(index ?? own, own);
  const typed = shapeCall(fragment);
  return typed['index'] === own ? typed : { ...typed, index: own };
}

/** The call with this id; one that began without an id takes the first that comes for it. */
function latestOf({ ids }: Calls, id: string, latest: number | undefined): number | undefined {
  const known = ids.indexOf(id);
  if (known >= 0) return known;
  if (latest === undefined || latest < 0 || ids[latest] !== undefined) return undefined;
  ids[latest] = id;
  return latest;
}

/** With its type, and its arguments as text, which Mistral may give as an object. */
function shapeCall(call: JsonObject): JsonObject {
  const made = call['function'];
  if (!isObject(made)) return call;
  const lacksType = call['type'] === undefined || call['type'] === null;
  const lacksText = isObject(made['arguments']);
  if (!lacksType && !lacksText) return call;
  const called = lacksText ? { ...made, arguments: JSON.stringify(made['arguments']) } : made;
  return { ...call, type: lacksType ? 'function' : call['type']!, function: called };
}
