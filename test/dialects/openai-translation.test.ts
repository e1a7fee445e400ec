import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, AnswerEvent } from '../../plugin-sdk/conversation/index.ts';
import {
  anthropicMessages,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { recordingsMissing } from '../recordings.ts';
import { answerContext, decodedEvents, encodedAnswer, encodedStream } from './codec-contexts.ts';
import { answerBodies, interactionsAt, streamTexts } from './openai-endpoints.ts';

const sources = [
  [anthropicMessages, /v1\/messages$/],
  [geminiGenerateContent, /:(?:stream)?generateContent$/i],
  [openaiChat, /chat\/completions$/],
  [openaiResponses, /\/responses$/],
] as const;

const targets = [openaiChat, openaiResponses];

/** What must reach the client and come back: words, calls with their proofs, and proofs of reasoning with their makers. */
function essence({ choices }: Answer): unknown[] {
  const blocks = choices[0]?.blocks ?? [];
  const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const calls = blocks.flatMap((block) =>
    block.type === 'tool-call' ? [[block.id, block.name, block.signature]] : [],
  );
  const proofs = blocks.flatMap((block) =>
    block.type === 'reasoning' && (block.signature ?? block.encrypted)
      ? [[block.signature, block.encrypted, block.maker]]
      : [],
  );
  return [text, calls, proofs];
}

function streamedEssence(events: readonly AnswerEvent[]): unknown {
  const joined = (type: 'text' | 'arguments') =>
    events.map((event) => (event.type === type ? event.text : '')).join('');
  const signatures = events.flatMap((event) => (event.type === 'signature' ? [event.signature] : []));
  const usage = events.find((event) => event.type === 'usage')?.usage;
  return [joined('text'), joined('arguments'), signatures, usage?.input, usage?.output];
}

test('keeps words, calls and proofs of every recorded answer of another format', { skip: recordingsMissing }, (t) => {
  let count = 0;
  for (const [source, at] of sources) {
    for (const { name, body } of answerBodies(interactionsAt(at))) {
      const answer = source.chat!.decodeAnswer(body);
      for (const target of targets) {
        if (target.id === source.id) continue;
        assert.deepEqual(
          essence(target.chat!.decodeAnswer(encodedAnswer(target, answer))),
          essence(answer),
          `${name} to ${target.id}`,
        );
        count++;
      }
    }
  }
  t.diagnostic(`${count} translated answers checked`);
});

test('keeps words, arguments, signatures and usage of every recorded stream of another format', {
  skip: recordingsMissing,
}, (t) => {
  let count = 0;
  for (const [source, at] of sources) {
    for (const { name, text } of streamTexts(interactionsAt(at))) {
      if (text.includes('"error":{')) continue;
      const events = decodedEvents(source, text);
      for (const target of targets) {
        if (target.id === source.id) continue;
        const back = decodedEvents(target, encodedStream(target, events, answerContext({ streamUsage: true })));
        assert.deepEqual(streamedEssence(back), streamedEssence(events), `${name} to ${target.id}`);
        count++;
      }
    }
  }
  t.diagnostic(`${count} translated streams checked`);
});

test('reads a thought signature that comes after the first fragment of its call', () => {
  const events: AnswerEvent[] = [
    { type: 'start' },
    { type: 'block-start', choice: 0, block: 0, head: { type: 'tool-call', id: 'a', name: 'f', maker: 'google' } },
    { type: 'arguments', choice: 0, block: 0, text: '{}' },
    { type: 'signature', choice: 0, block: 0, signature: 'THOUGHT' },
    { type: 'block-end', choice: 0, block: 0 },
    { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
    { type: 'end' },
  ];
  for (const target of targets) {
    const back = decodedEvents(target, encodedStream(target, events));
    assert.ok(
      back.some((event) => event.type === 'signature' && event.signature === 'THOUGHT'),
      target.id,
    );
  }
});
