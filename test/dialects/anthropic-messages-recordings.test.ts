import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { anthropicMessages } from '../../plugin-sdk/dialects/anthropic-messages/index.ts';
import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { type Interaction, recordings, recordingsMissing } from '../recordings.ts';
import { framedEvents } from './sse.ts';

const chat = anthropicMessages.chat!;
const isMessages = ({ request }: Interaction): boolean =>
  /\/v1\/messages(\?|$)|claude[^/]*:(streamRawP|rawP)redict/.test(request.url);
const interactions = ['anthropic', 'vertex'].flatMap((provider) =>
  recordings(provider).flatMap(({ file, interactions: all }) =>
    all.filter(isMessages).map((interaction) => ({ file, ...interaction })),
  ),
);

const context = (conversation: Conversation, model: string) => ({ requestId: 'r', model, conversation, now: 0 });

/**
 * What the SDKs make of a stream: pings and empty thinking go, fragments of one input are joined (a server tool's input is passed on whole),
 * and an input without any fragment is the one in its start.
 */
function accumulated(events: readonly FramedEvent[]): JsonObject[] {
  const result: JsonObject[] = [];
  for (const { data } of events) {
    const event = JSON.parse(data) as JsonObject;
    if (event.type === 'ping') continue;
    const delta = event.delta as JsonObject | undefined;
    if (delta?.thinking === '') continue;
    const last = result.at(-1);
    const lastDelta = last?.delta as JsonObject | undefined;
    if (delta?.type === 'input_json_delta' && lastDelta?.type === 'input_json_delta') {
      lastDelta.partial_json = `${lastDelta.partial_json}${delta.partial_json}`;
    } else result.push(event);
  }
  for (const { delta } of result as { delta?: JsonObject }[]) {
    if (delta?.type === 'input_json_delta') delta.partial_json = JSON.parse(String(delta.partial_json) || '{}');
  }
  return result;
}

test('writes every recorded request back as it was read', { skip: recordingsMissing }, (t) => {
  let equal = 0;
  for (const { file, request } of interactions) {
    const body = request.body as JsonObject;
    const conversation = chat.decodeRequest(body);
    const lost: string[] = [];
    const written = chat.encodeRequest(conversation, {
      model: String(body.model),
      stream: body.stream === true,
      capabilities: {},
      lost: (path) => lost.push(path),
    });
    assert.deepEqual(JSON.parse(JSON.stringify(written)), body, file);
    assert.deepEqual(lost, [], file);
    equal += 1;
  }
  t.diagnostic(`${equal} of ${interactions.length} requests equal`);
});

test('writes every recorded answer back as it was read', { skip: recordingsMissing }, (t) => {
  const answers = interactions.filter(({ response }) => response.status === 200 && response.body !== undefined);
  for (const { file, request, response } of answers) {
    const conversation = chat.decodeRequest(request.body as JsonObject);
    const answer = chat.decodeAnswer(response.body as JsonObject, conversation);
    const written = chat.encodeAnswer(answer, context(conversation, 'other'));
    assert.deepEqual(JSON.parse(JSON.stringify(written)), response.body, file);
  }
  t.diagnostic(`${answers.length} of ${answers.length} answers equal`);
});

test('writes every recorded stream back as it was read', { skip: recordingsMissing }, (t) => {
  const streams = interactions.filter(({ response }) => response.bodyText !== undefined);
  for (const { file, request, response } of streams) {
    const conversation = chat.decodeRequest(request.body as JsonObject);
    const read = framedEvents(response.bodyText!);
    const decoder = chat.decodeStream(conversation);
    const encoder = chat.encodeStream(context(conversation, 'other'));
    let written = '';
    const emit = (event: AnswerEvent): void => {
      written += encoder.event(event);
    };
    for (const event of read) decoder.event(event, emit);
    decoder.end(emit);
    assert.deepEqual(accumulated(framedEvents(written)), accumulated(read), file);
  }
  t.diagnostic(
    `${streams.length} of ${streams.length} streams equal once input fragments are joined and pings dropped`,
  );
});

test('meters recorded answers and streams as the decoder counts them', { skip: recordingsMissing }, () => {
  for (const { file, response } of interactions) {
    if (response.status !== 200) continue;
    if (response.bodyText === undefined) {
      const answer = chat.decodeAnswer(response.body as JsonObject);
      const reading = anthropicMessages.meter.json(Buffer.from(JSON.stringify(response.body)));
      assert.deepEqual(
        reading,
        { usage: answer.usage, finish: answer.choices[0]!.finish!.native, model: answer.model },
        file,
      );
      continue;
    }
    const read = anthropicMessages.meter.stream();
    const readings = framedEvents(response.bodyText).map(read);
    const events: AnswerEvent[] = [];
    const decoder = chat.decodeStream();
    for (const event of framedEvents(response.bodyText)) decoder.event(event, (emitted) => events.push(emitted));
    assert.deepEqual(
      readings.findLast((reading) => reading.usage)!.usage,
      events.find((event) => event.type === 'usage')!.usage,
      file,
    );
    assert.equal(readings.at(-1)!.kind, 'done');
    assert.equal(readings[0]!.kind, 'preamble');
  }
});
