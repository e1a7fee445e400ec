import type { Answer, Block, Conversation } from '../../conversation/index.ts';
import { GatewayError, isGatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import { decodeContent } from './decode-block.ts';
import { dialectId } from './dialect-id.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { carrying, readArray, readObject, readString, required, unknownFields } from './fields.ts';
import { decodeFinish } from './finish.ts';
import { ReceivedCalls } from './received-calls.ts';
import { decodeUsage, restOfUsage } from './usage.ts';

const known = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']);

/** Reads a `message` object. */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  return readingAnswer(() => {
    // What speaks this format without being Anthropic may end an answer with no content at all.
    const written = typeof body.stop_reason === 'string' ? (body.content ?? []) : body.content;
    const content = decodeContent(
      required(readArray({ content: written }, 'content', ''), 'content', 'an array'),
      'content',
    );
    const { blocks, answeredByTool } = new ReceivedCalls(request, forbiddenInNames, toolNameLimit).restoreAll(content);
    const usage = readObject(body, 'usage', '');
    const finish = decodeFinish(body.stop_reason, body.stop_sequence, answeredByTool);
    const rest = present({ ...withoutStop(unknownFields(body, known)), usage: usage && restOfUsage(usage) });
    return {
      ...present({ id: readString(body, 'id', ''), model: readString(body, 'model', '') }),
      choices: [{ index: 0, blocks: [...blocks, ...refusalOf(body)], ...present({ finish }) }],
      ...present({
        usage: usage && decodeUsage(usage),
        serviceTier: typeof usage?.service_tier === 'string' ? usage.service_tier : undefined,
      }),
      carry: { [dialectId]: rest },
    };
  });
}

/** Both are normally `null`, which is their value and not an absence. */
function withoutStop(fields: JsonObject | undefined): JsonObject {
  const { stop_reason: _, stop_sequence: __, ...rest } = fields ?? {};
  return rest;
}

/** What Anthropic says of a refusal, as the refusal that other formats have; the details themselves are carried. */
export function refusalOf(message: JsonObject): Block[] {
  const details = message.stop_details;
  if (message.stop_reason !== 'refusal' || !isObject(details) || typeof details.explanation !== 'string') return [];
  return [{ type: 'refusal', text: details.explanation, ...carrying(dialectId, undefined, { $in: 'stop_details' }) }];
}

/** Runs a reader of a provider's body; see {@link asUnreadable}. */
export function readingAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asUnreadable(error);
  }
}

/** What the shared readers call an invalid request is, in a provider's answer, an unreadable body. */
export function asUnreadable(error: unknown): unknown {
  if (!isGatewayError(error) || error.code !== 'REQ_INVALID') return error;
  const reason = error.message.replace(/\.$/, '');
  return new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason }, { cause: error });
}
