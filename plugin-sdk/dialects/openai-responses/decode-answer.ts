import type { Answer, Block, Conversation, Finish } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { problemOf } from '../openai/problem.ts';
import { withClientNames } from '../openai/tool-naming.ts';
import { readUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { decodeItem } from './decode-item.ts';

const dialect = 'openai.responses';

/** Reads a response object. Throws UP_STATUS when the body is an error report and UP_BAD_BODY when it is something else. */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  const reader = new FieldReader(body);
  const output = reader.array('output');
  if (output === undefined) throw notAnAnswer(body);
  const blocks = output.filter(isObject).flatMap((item) => decodeItem(item).blocks);
  const usage = readUsage(reader.peek('usage'));
  if (usage !== undefined) reader.understood('usage');
  const object = reader.oneOf('object', ['response']);
  const status = reader.string('status');
  const finish = finishOf(
    body,
    blocks.some(({ type }) => type === 'tool-call'),
  );
  const answer: Answer = present({
    id: reader.string('id'),
    model: reader.string('model'),
    created: reader.number('created_at'),
    choices: [present({ index: 0, blocks, finish, logprobs: logprobsOf(blocks) })],
    usage,
    serviceTier: reader.string('service_tier'),
    ...carrying(dialect, undefined, {
      $read: true,
      $rest: reader.rest(),
      $object: object === undefined ? 'absent' : undefined,
      $status: status ?? 'absent',
      $usage: usage === undefined ? undefined : body['usage'],
    }),
  });
  return withClientNames(answer, request, dialect);
}

/** `undefined` while a background response is still running. */
export function finishOf(response: JsonObject, called: boolean): Finish | undefined {
  switch (response['status']) {
    case 'completed':
    case undefined:
      return { reason: called ? 'tool-calls' : 'stop', native: 'completed' };
    case 'incomplete': {
      const details = response['incomplete_details'];
      const why = isObject(details) && typeof details['reason'] === 'string' ? details['reason'] : undefined;
      const reason = why === 'content_filter' ? 'content-filter' : 'length';
      return { reason, native: why ?? 'incomplete' };
    }
    case 'failed':
    case 'cancelled':
      return { reason: 'error', native: response['status'] };
    default:
      return undefined;
  }
}

/** Token probabilities of all texts, in the shape of chat: chat keeps them per choice. */
function logprobsOf(blocks: readonly Block[]): JsonValue | undefined {
  const content = blocks.flatMap((block) => {
    const logprobs = block.type === 'text' ? block.carry?.[dialect]?.['logprobs'] : undefined;
    return Array.isArray(logprobs) ? logprobs : [];
  });
  return content.length === 0 ? undefined : { content, refusal: null };
}

function notAnAnswer(body: JsonObject): GatewayError {
  const problem = body['error'] ? problemOf(body, undefined) : undefined;
  if (problem === undefined) {
    return new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason: 'it has no output' });
  }
  const { message, status, type, param, code } = problem;
  return new GatewayError('UP_STATUS', { message }, present({ status, type, param, openaiCode: code }));
}
