import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject, JsonValue } from '../../plugin-sdk/json.ts';
import { recordingsMissing } from '../recordings.ts';
import { answerContext } from './codec-contexts.ts';
import { recordedChats } from './recorded-chats.ts';
import { eventsOf } from './stream-bytes.ts';

/** What a provider may put anywhere tomorrow; `undefined` leaves the field out. */
const oddities: readonly (JsonValue | undefined)[] = [null, undefined, 7, [], { type: 'something_new', x: 1 }, [null]];
const clients = [openaiChat, openaiResponses];

/** The value with one thing in it odd, for every thing in it. */
function* odd(value: JsonValue): Generator<JsonValue> {
  if (value === null || typeof value !== 'object') return;
  for (const key of Object.keys(value)) {
    const put = (inner: JsonValue | undefined): JsonValue => {
      if (!Array.isArray(value)) return { ...value, [key]: inner } as JsonObject;
      return inner === undefined ? value.toSpliced(Number(key), 1) : value.with(Number(key), inner);
    };
    for (const oddity of oddities) yield put(oddity);
    for (const inner of odd((value as Record<string, JsonValue>)[key]!)) yield put(inner);
  }
}

/** Two answers of the same shape prove nothing twice. */
function shapeOf(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return [...new Set(value.map((inner) => JSON.stringify(shapeOf(inner))))];
  if (value === null || typeof value !== 'object') return typeof value;
  const entries = Object.entries(value as JsonObject);
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === 'type' ? inner! : shapeOf(inner)]));
}

function* fresh<T>(values: Iterable<T>, shown: (one: T) => JsonValue): Generator<T> {
  const seen = new Set<string>();
  for (const value of values) {
    const shape = JSON.stringify(shapeOf(shown(value)));
    if (!seen.has(shape)) yield value;
    seen.add(shape);
  }
}

function assertReported(work: () => void, where: string, value: JsonValue): void {
  try {
    work();
  } catch (error) {
    assert.ok(isGatewayError(error), `${where}: ${(error as Error).stack} for ${JSON.stringify(value).slice(0, 500)}`);
  }
}

test('reads answers with anything odd in them, or says what is wrong', { skip: recordingsMissing }, (t) => {
  let count = 0;
  const answers = recordedChats().filter(({ answer }) => answer !== undefined && JSON.stringify(answer).length < 6_000);
  for (const { name, dialect, conversation, answer } of fresh(answers, (one) => one.answer!)) {
    for (const body of odd(answer!)) {
      count += 1;
      assertReported(
        () => {
          const decoded = dialect.chat!.decodeAnswer(body as JsonObject, conversation);
          for (const client of clients) client.chat!.encodeAnswer(decoded, answerContext());
        },
        name,
        body,
      );
    }
  }
  t.diagnostic(`${count} odd answers`);
});

test('reads streams with anything odd in an event, or says what is wrong', { skip: recordingsMissing }, (t) => {
  let count = 0;
  for (const { name, dialect, conversation, stream } of recordedChats()) {
    if (stream === undefined || stream.length > 12_000) continue;
    const events = eventsOf(dialect.framing, stream);
    const known = new Set<string>();
    events.forEach((event, at) => {
      if (!event.data.startsWith('{')) return;
      const json = JSON.parse(event.data) as JsonObject;
      const shape = `${dialect.id} ${event.name} ${JSON.stringify(shapeOf(json))}`;
      if (known.has(shape)) return;
      known.add(shape);
      for (const value of odd(json)) {
        count += 1;
        assertReported(
          () => {
            const encoders = clients.map((client) => client.chat!.encodeStream(answerContext()));
            const emit = (one: never): void => {
              for (const encoder of encoders) encoder.event(one);
            };
            const decoder = dialect.chat!.decodeStream(conversation);
            events.forEach((other, i) => {
              decoder.event(i === at ? { ...event, data: JSON.stringify(value) } : other, emit as never);
            });
            decoder.end(emit as never);
          },
          name,
          value,
        );
      }
    });
  }
  t.diagnostic(`${count} odd streams`);
});
