import { eventsOfAnswer } from '../../plugin-sdk/dialects/events-of-answer.ts';
import {
  type AnswerEvent,
  type Clock,
  type Exchange,
  type Flow,
  flowOf,
  isObject,
  type Reply,
  type ReplyBody,
} from '../../plugin-sdk/index.ts';
import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';
import { answerOfEvents } from './answer-of-events.ts';
import { withOwnTags } from './echo.ts';
import { usageIn } from './may-keep.ts';
import type { CacheOptions } from './options.ts';
import { TimedEvents } from './timed-events.ts';

/**
 * The reply with stored content, in the form that this client wants. `undefined` when the content does not say what the
 * client expects to read: a stream is often stored without its usage.
 */
export function replay(
  exchange: Exchange,
  stored: CachedContent,
  pace: CacheOptions['pace'],
  clock: Clock,
): Reply | undefined {
  const content = exchange.dialect.id === 'openai.responses' ? withOwnTags(stored, jsonOf(exchange)) : stored;
  if (content.type !== 'json' && usageIn(content) === undefined && wantsUsage(exchange)) return undefined;
  const body = bodyOf(exchange, content, pace, clock);
  return body === undefined ? undefined : reply(body);
}

/** The reply of a hit that is charged like a call, which must say what it is charged for. */
export function charged(reply: Reply, content: CachedContent): Reply {
  const usage = usageIn(content);
  return usage === undefined ? reply : { ...reply, usage };
}

function bodyOf(
  exchange: Exchange,
  content: CachedContent,
  pace: CacheOptions['pace'],
  clock: Clock,
): ReplyBody | undefined {
  if (content.type === 'json')
    return exchange.stream ? undefined : { type: 'bytes', bytes: JSON.stringify(content.json) };
  if (!exchange.stream) {
    return { type: 'answer', answer: content.type === 'answer' ? content.answer : answerOfEvents(content.events) };
  }
  return { type: 'events', events: flowOfContent(content, pace, clock) };
}

function flowOfContent(
  content: Exclude<CachedContent, { type: 'json' }>,
  pace: CacheOptions['pace'],
  clock: Clock,
): Flow<AnswerEvent> {
  if (content.type === 'answer') return flowOf(eventsOfAnswer(content.answer));
  // The wait for the first event was the model's thinking; only the pace of its words is given back.
  return pace === 'fast' ? flowOf(content.events) : pacedFromFirst(content, clock);
}

function pacedFromFirst(
  { events, times }: Extract<CachedContent, { type: 'events' }>,
  clock: Clock,
): Flow<AnswerEvent> {
  const first = times[0] ?? 0;
  return new TimedEvents(
    events,
    times.map((time) => time - first),
    clock,
  );
}

/** Without the usage of the call behind it: that is counted already, and this hit has used nothing. */
function reply(body: ReplyBody): Reply {
  const headers = body.type === 'bytes' ? ['content-type', 'application/json'] : [];
  return { origin: 'gateway', status: 200, headers, body };
}

function wantsUsage(exchange: Exchange): boolean {
  return !exchange.stream || exchange.conversation().streamUsage === true;
}

function jsonOf({ request: { body } }: Exchange) {
  const json = body.kind === 'bytes' ? body.json() : {};
  return isObject(json) ? json : {};
}
