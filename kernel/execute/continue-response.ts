import {
  type Conversation,
  callerSlot,
  type Dialect,
  GatewayError,
  isObject,
  type JsonValue,
  type Message,
} from '../../plugin-sdk/index.ts';
import type { Records } from '../../plugin-sdk/ports/records.ts';
import type { LiveExchange } from '../exchange.ts';

/** A chain of responses is followed back so far; a longer one has outgrown every model. */
const longestChain = 200;

/**
 * A conversation that names an earlier response, with everything that was said until then in front of it: what providers
 * that keep no responses need. Read from the record store, where the same caller's responses are. Instructions hold for
 * their own response only. Throws GatewayError REQ_PREVIOUS_RESPONSE when a response of the chain is not there.
 */
export async function continueResponse(
  conversation: Conversation,
  exchange: LiveExchange,
  records: Records | undefined,
): Promise<Conversation> {
  const { previousId, ...rest } = conversation;
  const caller = exchange.get(callerSlot)?.id ?? 'anonymous';
  const turns: Message[][] = [];
  let wanted = previousId;
  while (wanted !== undefined) {
    const stored = await records?.findResponse(wanted, caller);
    if (stored === undefined || turns.length === longestChain) throw missing(wanted, records !== undefined);
    const turn = readTurn(exchange.dialect, stored.request, stored.response);
    if (turn === undefined) throw missing(wanted, true);
    turns.unshift(turn.messages);
    wanted = turn.previousId;
  }
  return { ...rest, messages: [...turns.flat(), ...conversation.messages] };
}

function missing(id: string, kept: boolean): GatewayError {
  const reason = kept ? 'it is not in the record store' : 'no record store is loaded';
  return new GatewayError('REQ_PREVIOUS_RESPONSE', { id, reason }, { param: 'previous_response_id' });
}

/** What one stored response added: its input and its output. */
function readTurn(
  dialect: Dialect,
  request: JsonValue,
  response: JsonValue,
): { readonly messages: Message[]; readonly previousId: string | undefined } | undefined {
  if (!isObject(request) || !isObject(response)) return undefined;
  const { instructions: _instructions, ...said } = request;
  const asked = dialect.chat!.decodeRequest(said);
  const answer = dialect.chat!.decodeAnswer(response);
  const blocks = answer.choices[0]?.blocks ?? [];
  return { messages: [...asked.messages, { role: 'assistant', blocks }], previousId: asked.previousId };
}
