import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { bedrockConverse } from '../../plugin-sdk/dialects/bedrock-converse/index.ts';
import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { type RecordedBody, recordings, recordingsMissing } from '../recordings.ts';

const chat = bedrockConverse.chat!;
const interactions = recordings('bedrock').flatMap(({ file, interactions: all }) =>
  all
    .filter(({ request }) => /\/converse(-stream)?$/.test(request.url))
    // One recorded request lost its last brace.
    .filter(({ request }) => request.bodyText === undefined || isJson(request.bodyText))
    .map(({ request, response }) => ({
      file,
      model: decodeURIComponent(request.url.split('/').at(-2)!),
      body: bodyOf(request),
      response,
    })),
);
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (text) => Buffer.from(text),
);

/** Some bodies were recorded as text, because their spelling is not JSON.stringify's. */
function bodyOf(recorded: RecordedBody): JsonObject {
  return (recorded.body ?? JSON.parse(recorded.bodyText!)) as JsonObject;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function framed(bytes: Uint8Array): FramedEvent[] {
  const events: FramedEvent[] = [];
  for (let rest = Buffer.from(bytes); rest.length > 0; rest = rest.subarray(rest.readUInt32BE(0))) {
    const { headers, body } = codec.decode(rest.subarray(0, rest.readUInt32BE(0)));
    const type = headers[':event-type'] ?? headers[':exception-type'];
    events.push({
      name: String(type!.value),
      data: Buffer.from(body).toString(),
      exception: headers[':message-type']!.value === 'exception',
    });
  }
  return events;
}

/** Event names and payloads without the random padding `p`, whose only use is to hide the length. */
function payloads(events: readonly FramedEvent[]): unknown[] {
  return events.map(({ name, data }) => {
    const { p: _, ...payload } = JSON.parse(data) as JsonObject;
    return { name, payload };
  });
}

const context = (conversation: Conversation) => ({ requestId: 'r', model: 'm', conversation, now: 0 });

test('writes every recorded request back as it was read', { skip: recordingsMissing }, (t) => {
  for (const { file, model, body } of interactions) {
    const lost: string[] = [];
    const written = chat.encodeRequest(chat.decodeRequest(body), {
      model,
      stream: false,
      capabilities: {},
      lost: (path) => lost.push(path),
    });
    assert.deepEqual(JSON.parse(JSON.stringify(written)), body, file);
    assert.deepEqual(lost, [], file);
  }
  t.diagnostic(`${interactions.length} of ${interactions.length} requests equal`);
});

test('writes every recorded answer back as it was read', { skip: recordingsMissing }, (t) => {
  const answers = interactions.filter(({ response }) => response.status === 200 && response.bodyBase64 === undefined);
  for (const { file, body, response } of answers) {
    const conversation = chat.decodeRequest(body);
    const read = bodyOf(response);
    const written = chat.encodeAnswer(chat.decodeAnswer(read, conversation), context(conversation));
    assert.deepEqual(JSON.parse(JSON.stringify(written)), read, file);
  }
  t.diagnostic(`${answers.length} of ${answers.length} answers equal`);
});

test('writes every recorded stream back event by event', { skip: recordingsMissing }, (t) => {
  const streams = interactions.filter(({ response }) => response.bodyBase64 !== undefined);
  for (const { file, body, response } of streams) {
    const conversation = chat.decodeRequest(body);
    const read = framed(Buffer.from(response.bodyBase64!, 'base64'));
    const decoder = chat.decodeStream(conversation);
    const encoder = chat.encodeStream(context(conversation));
    const written: Uint8Array[] = [];
    const emit = (event: AnswerEvent): void => {
      written.push(Buffer.from(encoder.event(event)));
    };
    for (const event of read) decoder.event(event, emit);
    decoder.end(emit);
    assert.deepEqual(payloads(framed(Buffer.concat(written))), payloads(read), file);
  }
  t.diagnostic(`${streams.length} of ${streams.length} streams equal, the padding left out`);
});

test('meters recorded answers and streams as the decoder counts them', { skip: recordingsMissing }, () => {
  for (const { file, response } of interactions) {
    if (response.status !== 200) continue;
    if (response.bodyBase64 === undefined) {
      const answer = chat.decodeAnswer(bodyOf(response));
      const reading = bedrockConverse.meter.json(Buffer.from(JSON.stringify(bodyOf(response))));
      assert.deepEqual(reading, { usage: answer.usage, finish: answer.choices[0]!.finish!.native }, file);
      continue;
    }
    const events = framed(Buffer.from(response.bodyBase64, 'base64'));
    const readings = events.map(bedrockConverse.meter.stream());
    assert.equal(readings[0]!.kind, 'preamble', file);
    assert.equal(readings.at(-1)!.kind, 'done', file);
    assert.ok(readings.at(-1)!.usage!.output > 0, file);
  }
});
