import type { Answer, Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { readingAnswer } from '../anthropic-messages/decode-answer.ts';
import { readArray, readObject, required, unknownFields } from '../anthropic-messages/fields.ts';
import { ReceivedCalls } from '../anthropic-messages/received-calls.ts';
import { present } from '../present.ts';
import { decodeContent, dialectId } from './decode-block.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { decodeFinish } from './finish.ts';
import { decodeUsage, restOfUsage } from './usage.ts';

const known = new Set(['output', 'stopReason', 'usage']);

/** Reads a Converse reply. It names neither itself nor its model. */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  return readingAnswer(() => {
    const output = required(readObject(body, 'output', ''), 'output', 'an object');
    // An answer that was stopped may have none.
    const message = readObject(output, 'message', 'output.') ?? {};
    const content = decodeContent(readArray(message, 'content', 'output.message.') ?? [], 'output.message.content');
    const { blocks, answeredByTool } = new ReceivedCalls(request, forbiddenInNames, toolNameLimit).restoreAll(content);
    const usage = readObject(body, 'usage', '');
    const tier = isObject(body.serviceTier) ? body.serviceTier.type : undefined;
    return {
      choices: [{ index: 0, blocks, ...present({ finish: decodeFinish(body.stopReason, answeredByTool) }) }],
      ...present({ usage: usage && decodeUsage(usage), serviceTier: typeof tier === 'string' ? tier : undefined }),
      carry: { [dialectId]: present({ ...unknownFields(body, known), usage: usage && restOfUsage(usage) }) },
    };
  });
}
