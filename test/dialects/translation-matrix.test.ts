import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect, DialectId } from '../../plugin-sdk/dialects/dialect.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { recordingsMissing } from '../recordings.ts';
import { unexplained } from './allowed-differences.ts';
import { accumulated, answerMeaning } from './answer-meaning.ts';
import { anySettings } from './any-settings.ts';
import { Matrix } from './matrix.ts';
import {
  answerIn,
  chatDialects,
  decodeAll,
  encodeAll,
  type RecordedChat,
  recordedChats,
  streamedEvents,
} from './recorded-chats.ts';
import { type Meaning, requestMeaning } from './request-meaning.ts';
import { eventsOf } from './stream-bytes.ts';
import { collecting, modelsOf, preparedFor } from './targets.ts';

const skip = { skip: recordingsMissing };

/** Every dialect but that of the exchange. */
const others = ({ dialect }: RecordedChat): Dialect[] => chatDialects.filter(({ id }) => id !== dialect.id);

/** A client of another format, which has the tools of the recorded one. */
function clientOf({ conversation: { tools } }: RecordedChat): Conversation {
  return { model: 'm', messages: [], stream: true, streamUsage: true, ...(tools === undefined ? {} : { tools }) };
}

/** Answers that say nothing to a client of the target by design, by what would be missing. */
const unsayable: readonly { readonly facet: RegExp; readonly why: string; readonly targets?: readonly DialectId[] }[] =
  [
    { facet: /items$/, why: "a hosted tool's calls and results are known to their own dialect alone" },
    {
      facet: /call proofs$/,
      why: 'no field takes a proof beside a call',
      targets: ['bedrock.converse', 'cohere.chat'],
    },
    {
      facet: /\d proofs$/,
      why: "no field takes another maker's proof; chat, responses and Anthropic clients carry it back",
      targets: ['cohere.chat', 'gemini.generateContent'],
    },
    { facet: /^usage reasoning$/, why: 'not counted apart', targets: ['cohere.chat', 'bedrock.converse'] },
    { facet: /^usage cacheWriteInput$/, why: 'not counted apart', targets: ['cohere.chat', 'gemini.generateContent'] },
  ];

function differences(target: Dialect, before: Meaning, after: Meaning): string[] {
  const facets = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...facets].filter((facet) => {
    if (isDeepStrictEqual(before[facet] ?? undefined, after[facet] ?? undefined)) return false;
    if (unsayable.some((rule) => rule.facet.test(facet) && (rule.targets?.includes(target.id) ?? true))) return false;
    return !isOtherWord(facet, before, after);
  });
}

/** Finish words and refusals that the target says in its own way. */
function isOtherWord(facet: string, before: Meaning, after: Meaning): boolean {
  const [choice, what] = facet.split(' ');
  const [was, is] = [before[`${choice} finish`], after[`${choice} finish`]];
  // Failed answers are incomplete ones, continued turns and those of a background answer have ended, for who has no word.
  if (what === 'finish')
    return (was === 'error' && is === 'length') || (was === 'pause' && is === 'stop') || was === undefined;
  const refused = String(before[`${choice} refusal`]) + String(before[`${choice} text`]);
  return (what === 'text' || what === 'refusal') && after[`${choice} text`] === refused && is === was;
}

test('says the same in every other format, or names the path that is lost', skip, (t) => {
  const matrix = new Matrix();
  for (const chat of recordedChats()) {
    if (chat.request === undefined) continue;
    for (const target of others(chat)) {
      for (const model of modelsOf[target.id]!) {
        const asked = preparedFor(target, chat.conversation);
        const { context, lost } = collecting(model);
        const body = encodedOrRefused(target, asked, context);
        matrix.count(chat.dialect.id, target.id, body === undefined ? 'refused' : 'equal');
        if (body === undefined) continue;
        const [before, after] = [requestMeaning(asked), requestMeaning(target.chat!.decodeRequest(body))];
        for (const path of lost) assert.doesNotMatch(path, /\$|undefined/, chat.name);
        const comparison = { source: chat.dialect.id, target: target.id, before, after, body };
        assert.deepEqual(unexplained(comparison, lost), [], `${chat.name} to ${model}; lost: ${lost.join(' ')}`);
      }
    }
  }
  matrix.print(t, 'requests (refused: REQ_INVALID that names what the target cannot take)');
});

function encodedOrRefused(
  target: Dialect,
  asked: Conversation,
  context: ReturnType<typeof collecting>['context'],
): JsonObject | undefined {
  try {
    return JSON.parse(JSON.stringify(target.chat!.encodeRequest(asked, context))) as JsonObject;
  } catch (error) {
    if (!isGatewayError(error) || error.code !== 'REQ_INVALID' || error.param === undefined) throw error;
    return undefined;
  }
}

test('says any settings in every format, or names those that are lost', () => {
  fc.assert(
    fc.property(anySettings, (chosen) => {
      const asked: Conversation = {
        model: 'm',
        messages: [{ role: 'user', blocks: [{ type: 'text', text: 'Hi' }] }],
        ...chosen,
      };
      for (const target of chatDialects) {
        for (const model of modelsOf[target.id]!) {
          const { context, lost } = collecting(model);
          const body = JSON.parse(JSON.stringify(target.chat!.encodeRequest(asked, context))) as JsonObject;
          const [before, after] = [requestMeaning(asked), requestMeaning(target.chat!.decodeRequest(body))];
          const comparison = { source: 'openai.chat', target: target.id, before, after, body } as const;
          assert.deepEqual(
            unexplained(comparison, lost),
            [],
            `${model}: ${JSON.stringify(body)}; lost: ${lost.join(' ')}`,
          );
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('gives a client of every other format the same answer', skip, (t) => {
  const matrix = new Matrix();
  for (const chat of recordedChats()) {
    if (chat.answer === undefined) continue;
    const answer = chat.dialect.chat!.decodeAnswer(chat.answer, chat.conversation);
    for (const target of others(chat)) {
      const back = target.chat!.decodeAnswer(answerIn(target, answer, clientOf(chat)), clientOf(chat));
      assert.deepEqual(
        differences(target, answerMeaning(answer), answerMeaning(back)),
        [],
        `${chat.name} to ${target.id}`,
      );
      matrix.count(chat.dialect.id, target.id, 'equal');
    }
  }
  matrix.print(t, 'answers');
});

interface RecordedStream extends RecordedChat {
  readonly stream: Buffer;
  readonly events: readonly AnswerEvent[];
}

/** Streams that a provider ended well; those that report an error are tested with the errors. */
function recordedStreams(): RecordedStream[] {
  return recordedChats().flatMap((chat) => {
    if (chat.stream === undefined) return [];
    try {
      return [{ ...chat, stream: chat.stream, events: streamedEvents(chat.dialect, chat.stream, chat.conversation) }];
    } catch (error) {
      assert.ok(isGatewayError(error) && error.code === 'UP_STREAM_ERROR', `${chat.name}: ${error}`);
      return [];
    }
  });
}

test('streams the same to a client of every other format, and the same as the JSON answer', skip, (t) => {
  const matrix = new Matrix();
  for (const chat of recordedStreams()) {
    const whole = accumulated(chat.events);
    for (const target of others(chat)) {
      const client = clientOf(chat);
      const streamed = accumulated(streamedEvents(target, encodeAll(target, chat.events, client), client));
      const place = `${chat.name} to ${target.id}`;
      assert.deepEqual(differences(target, answerMeaning(whole), answerMeaning(streamed)), [], place);
      const json = target.chat!.decodeAnswer(answerIn(target, whole, client), client);
      assert.deepEqual(differences(target, answerMeaning(json), answerMeaning(streamed)), [], `${place}, JSON`);
      matrix.count(chat.dialect.id, target.id, 'equal');
    }
  }
  matrix.print(t, 'streams');
});

test('reads the same events wherever the bytes of a stream are split', skip, (t) => {
  let runs = 0;
  for (const { dialect, stream, events, conversation, name } of recordedStreams()) {
    const cuts = fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(cuts, (places) => {
        runs++;
        assert.deepEqual(decodeAll(dialect, eventsOf(dialect.framing, stream, places), conversation), events, name);
      }),
      { numRuns: 5 },
    );
  }
  t.diagnostic(`${runs} splits`);
});

/** What only a proper end writes. */
const terminators: Readonly<Partial<Record<DialectId, RegExp>>> = {
  'openai.chat': /\[DONE\]/,
  'openai.responses': /response\.(?:completed|incomplete)/,
  'anthropic.messages': /message_stop/,
  'gemini.generateContent': /"finishReason"/,
  'bedrock.converse': /messageStop/,
  'cohere.chat': /message-end/,
};

test('never ends a stream well whose upstream was cut, wherever that happened', skip, (t) => {
  let cuts = 0;
  let complete = 0;
  for (const { dialect, stream, events, conversation, name, ...chat } of recordedStreams()) {
    const framed = eventsOf(dialect.framing, stream);
    const said = answerMeaning(accumulated(events));
    for (let length = 0; length < framed.length; length++) {
      const read: AnswerEvent[] = [];
      const decoder = dialect.chat!.decodeStream(conversation);
      for (const event of framed.slice(0, length)) decoder.event(event, (one) => read.push(one));
      cuts++;
      if (endsWell(() => decoder.end((one) => read.push(one)), name)) {
        const known = answerMeaning(accumulated(read));
        for (const facet of ['0 text', '0 calls', '0 finish']) assert.deepEqual(known[facet], said[facet], name);
        complete++;
        continue;
      }
      assert.ok(!read.some(({ type }) => type === 'end'), name);
      // Every length is decoded; encoding all of them six times would take minutes.
      if (length % 7 !== 0 && length < framed.length - 3) continue;
      for (const target of chatDialects) {
        if (target.id === dialect.id && target.id === 'gemini.generateContent') continue;
        const written = encodeAll(target, read, { ...clientOf({ dialect, conversation, name, ...chat }) }).toString(
          'latin1',
        );
        assert.doesNotMatch(written, terminators[target.id]!, `${name} cut after ${length} events, to ${target.id}`);
      }
    }
  }
  t.diagnostic(`${cuts} cuts; ${complete} of them behind the last word, where only usage or a terminator is missing`);
});

function endsWell(end: () => void, name: string): boolean {
  try {
    end();
    return true;
  } catch (error) {
    assert.ok(isGatewayError(error) && error.code === 'UP_STREAM_CUT', `${name}: ${error}`);
    return false;
  }
}
