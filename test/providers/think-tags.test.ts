import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerEvent } from '../../plugin-sdk/conversation/index.ts';
import { thinkTagsFilter } from '../../plugin-sdk/dialects/think-tags.ts';
import { recordings, recordingsMissing } from '../recordings.ts';
import { providerGateway } from './provider-gateway.ts';

const model = 'together/deepseek-ai/DeepSeek-R1';
const tagged = '<think>\nFirst, look left.\n</think>\n\nLook left, then right.';

const completion = (content: string, finish = 'stop') => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'deepseek-ai/DeepSeek-R1',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});

const chunks = (texts: readonly string[]) => ({
  headers: { 'content-type': 'text/event-stream' },
  body: `${texts
    .map((content) => ({
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    }))
    .concat({
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: {} as never, finish_reason: 'stop' as never }],
    })
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join('')}data: [DONE]\n\n`,
});

/** Text and reasoning of a response's output. */
function said(output: readonly { type: string }[]): { text: string; reasoning: string } {
  let text = '';
  let reasoning = '';
  for (const item of output as readonly {
    type: string;
    content?: { text: string }[];
    summary?: { text: string }[];
  }[]) {
    if (item.type === 'message') text += item.content!.map((part) => part.text).join('');
    if (item.type === 'reasoning')
      reasoning += (item.content?.length ? item.content : item.summary)!.map((part) => part.text).join('');
  }
  return { text, reasoning };
}

test('gives thinking in tags as reasoning of a translated answer', async () => {
  await using gateway = await providerGateway('providers/together');
  gateway.upstream.always({ json: completion(tagged) });
  const { output } = await gateway.client.responses.create({ model, input: 'How do I cross the street?' });
  assert.deepEqual(said(output), { text: 'Look left, then right.', reasoning: 'First, look left.' });
});

test('gives thinking in tags as reasoning of a translated stream', async () => {
  await using gateway = await providerGateway('providers/together');
  gateway.upstream.always(
    chunks(['<th', 'ink>\nFirst,', ' look left.\n', '</thi', 'nk>\n\nLook left', ', then right.']),
  );
  const { output } = await gateway.client.responses.stream({ model, input: 'How?' }).finalResponse();
  assert.deepEqual(said(output), { text: 'Look left, then right.', reasoning: 'First, look left.' });
});

test('leaves thinking in tags where it is in a carried answer', async () => {
  await using gateway = await providerGateway('providers/together');
  gateway.upstream.always({ json: completion(tagged) });
  const { choices } = await gateway.client.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'How?' }],
  });
  assert.equal(choices[0]!.message.content, tagged);
});

test('takes thinking that is never closed for thinking to the end', async () => {
  await using gateway = await providerGateway('providers/together');
  gateway.upstream.always({ json: completion('<think>\nFirst, look', 'length') });
  const { output } = await gateway.client.responses.create({ model, input: 'How?' });
  assert.deepEqual(said(output), { text: '', reasoning: 'First, look' });
});

test('gives the thinking of every recorded answer with tags as reasoning', { skip: recordingsMissing }, () => {
  let found = 0;
  for (const provider of ['huggingface', 'groq']) {
    for (const { interactions } of recordings(provider)) {
      for (const { response } of interactions) {
        const message = (response.body as { choices?: { message?: { content?: string } }[] } | undefined)?.choices?.[0]
          ?.message;
        if (!message?.content?.startsWith('<think>')) continue;
        found += 1;
        const [, thinking, text] = /^<think>([\s\S]*)<\/think>([\s\S]*)$/.exec(message.content)!;
        const { choices } = thinkTagsFilter(['think']).answer(answerOf(message.content));
        assert.deepEqual(
          choices[0]!.blocks.map((block) => 'text' in block && block.text),
          [thinking!.trim(), text!.trimStart()],
        );
      }
    }
  }
  assert.ok(found >= 4, String(found));
});

test('parts a stream at any boundary as it parts the whole', () => {
  const words = fc.constantFrom('<think>', '</think>', '<thi', '</', 'a', ' ', '\n', '<', '>', 'think', 'b');
  fc.assert(
    fc.property(fc.array(words, { maxLength: 14 }), fc.array(fc.nat(60), { maxLength: 8 }), (parts, cuts) => {
      const text = parts.join('');
      const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((place, i) => text.slice(places[i], place));
      const whole = thinkTagsFilter(['think']).answer(answerOf(text)).choices[0]!.blocks;
      assert.deepEqual(
        streamed(pieces),
        whole
          .filter((block) => 'text' in block && block.text !== '')
          .map((block) => [block.type, (block as { text: string }).text]),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('numbers the blocks behind parted thinking so that none meet', () => {
  const seen: AnswerEvent[] = [];
  const event = thinkTagsFilter(['think']).stream((one) => seen.push(one));
  event({ type: 'block-start', choice: 0, block: 0, head: { type: 'text' } });
  event({ type: 'text', choice: 0, block: 0, text: '<think>a</think>b' });
  event({ type: 'block-end', choice: 0, block: 0 });
  event({ type: 'block-start', choice: 0, block: 1, head: { type: 'tool-call', id: 'c', name: 'f' } });
  event({ type: 'block-end', choice: 0, block: 1 });
  assert.deepEqual(
    seen.map((one) => [one.type, 'block' in one && one.block]),
    [
      ['block-start', 0],
      ['reasoning', 0],
      ['block-end', 0],
      ['block-start', 1],
      ['text', 1],
      ['block-end', 1],
      ['block-start', 2],
      ['block-end', 2],
    ],
  );
});

function answerOf(text: string) {
  return { choices: [{ index: 0, blocks: [{ type: 'text' as const, text }] }] };
}

function streamed(pieces: readonly string[]): [string, string][] {
  const blocks: [string, string][] = [];
  const event = thinkTagsFilter(['think']).stream((one) => {
    if (one.type === 'block-start') blocks[one.block] = [one.head.type, ''];
    else if (one.type === 'text' || one.type === 'reasoning') blocks[one.block]![1] += one.text;
  });
  event({ type: 'block-start', choice: 0, block: 0, head: { type: 'text' } });
  for (const text of pieces) event({ type: 'text', choice: 0, block: 0, text });
  event({ type: 'block-end', choice: 0, block: 0 });
  return blocks.filter((block) => block !== undefined && block[1] !== '');
}
