import {
  type AnswerEvent,
  BytesBody,
  type Dialect,
  type Flow,
  flowOf,
  type Provider,
  withHeader,
} from '../../plugin-sdk/index.ts';
import { loadOnUse } from '../../plugin-sdk/load-on-use.ts';
import type { LiveAttempt } from '../attempt.ts';
import { replyJson, withoutMark } from './reply-json.ts';

const told = loadOnUse<typeof import('../../plugin-sdk/dialects/events-of-answer.ts')>(
  import.meta.url,
  '../../plugin-sdk/dialects/events-of-answer',
);
const openBrace = 0x7b;

/**
 * The JSON answer of a provider that streams nothing, as the events that the client asked for: an SDK that reads a stream
 * takes whole JSON for one without events. `undefined` for what is no such answer (Gemini streams in a JSON list).
 *
 * Throws GatewayError UP_BAD_BODY.
 */
export function wholeAsStream(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  bytes: Buffer,
): Flow<AnswerEvent> | undefined {
  const { exchange } = attempt;
  const plain = withoutMark(bytes);
  if (!exchange.stream || dialect.chat === undefined || plain[0] !== openBrace) return undefined;
  const json = replyJson(provider.name, new BytesBody(plain, 'application/json'));
  const answer = dialect.chat.decodeAnswer(json, exchange.conversation());
  attempt.usage = answer.usage;
  attempt.finish = answer.choices[0]?.finish?.native;
  return flowOf(told().eventsOfAnswer(answer));
}

/** A provider's headers without those that describe a body which the client does not get. */
export function withoutDescription(headers: readonly string[]): string[] {
  const described = ['content-type', 'content-length', 'content-encoding', 'content-md5', 'etag'];
  return described.reduce<string[]>((left, name) => withHeader(left, name, undefined), [...headers]);
}
