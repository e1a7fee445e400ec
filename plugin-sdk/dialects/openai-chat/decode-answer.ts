import type { Answer, AnswerChoice, Conversation } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { problemOf } from '../openai/problem.ts';
import { withClientNames } from '../openai/tool-naming.ts';
import { readUsage } from '../openai/usage.ts';
import { present } from '../present.ts';
import { decodeAssistant } from './decode-assistant.ts';
import type { ChoiceContext } from './decode-choice.ts';
import { decodeFinish, hasCalls, matchedStop } from './finish.ts';
import { withFreeText } from './free-text-tools.ts';
import { named } from './tool-calls.ts';

const dialect = 'openai.chat';

/**
 * Reads a chat completion. Throws UP_STATUS when the body reports an error (OpenRouter does so with status 200) and
 * UP_BAD_BODY when it is something else.
 */
export function decodeAnswer(body: JsonObject, request?: Conversation): Answer {
  const reader = new FieldReader(body);
  const choices = reader.array('choices');
  if (choices === undefined) throw notAnAnswer(body);
  if (!choices.every(isObject)) throw unreadable('a choice is not an object');
  const usage = readUsage(reader.peek('usage'));
  if (usage !== undefined) reader.understood('usage');
  const object = reader.oneOf('object', ['chat.completion']);
  const id = reader.string('id');
  const answer: Answer = present({
    id,
    model: reader.string('model'),
    created: reader.number('created'),
    choices: choices.map((choice, at) => decodeChoice(choice, at, present({ answerId: id, stop: request?.stop }))),
    usage,
    serviceTier: reader.string('service_tier'),
    ...carrying(dialect, reader.rest(), {
      $read: true,
      $object: object === undefined && !('object' in body) ? 'absent' : undefined,
      $usage: usage === undefined ? undefined : body['usage'],
    }),
  });
  return withFreeText(withClientNames(answer, request, dialect), request);
}

function decodeChoice(choice: JsonObject, at: number, { answerId, stop }: ChoiceContext): AnswerChoice {
  const reader = new FieldReader(choice);
  const message = reader.object('message') ?? {};
  const inner = new FieldReader(message);
  const { blocks, spellings } = decodeAssistant(inner, message);
  const callId = (place: number): string => `call_${answerId ? `${answerId}_` : ''}${at}_${place}`;
  const native = reader.string('finish_reason');
  const { finish, spelling } =
    native === undefined ? {} : decodeFinish(native, hasCalls(blocks), matchedStop(choice, stop));
  inner.oneOf('role', ['assistant']);
  const logprobs = reader.peek('logprobs');
  reader.understood('logprobs');
  return present({
    index: reader.number('index') ?? at,
    blocks: blocks.map((block, place) => named(block, callId(place))),
    finish,
    logprobs: logprobs === null ? undefined : logprobs,
    ...carrying(dialect, reader.rest(), {
      ...spelling,
      $message: { ...inner.rest(), ...present(spellings) },
      $absent: absentFields(choice, message),
    }),
  });
}

/** Fields that OpenAI always sends and this answer did not have. */
function absentFields(choice: JsonObject, message: JsonObject): string[] | undefined {
  const absent = [
    ...['index', 'logprobs'].filter((field) => !(field in choice)),
    ...['role', 'refusal'].filter((field) => !(field in message)),
  ];
  return absent.length === 0 ? undefined : absent;
}

function notAnAnswer(body: JsonObject): GatewayError {
  const problem = 'error' in body ? problemOf(body, undefined) : undefined;
  if (problem === undefined) return unreadable('it has no choices');
  const { message, status, type, param, code } = problem;
  return new GatewayError('UP_STATUS', { message }, present({ status, type, param, openaiCode: code }));
}

function unreadable(reason: string): GatewayError<'UP_BAD_BODY'> {
  return new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason });
}
