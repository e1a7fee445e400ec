import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent, Block, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { anthropicMessages, bedrockConverse, openaiChat } from '../../plugin-sdk/dialects/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import { recordedProviders, recordings, recordingsMissing } from '../recordings.ts';
import { framedEvents } from './sse.ts';

const targets = [
  { dialect: anthropicMessages, models: ['claude-opus-5-5', 'claude-sonnet-4-5', 'claude-3-haiku'] },
  {
    dialect: bedrockConverse,
    models: ['us.anthropic.claude-sonnet-4-5-v1:0', 'us.amazon.nova-lite-v1:0', 'us.mistral.pixtral-large-2502-v1:0'],
  },
];
const chatRequests = recordedProviders().flatMap((provider) =>
  recordings(provider).flatMap(({ file, interactions }) =>
    interactions
      .filter(({ request }) => /\/chat\/completions/.test(request.url) && isObject(request.body))
      .map(({ request }) => ({ file: `${provider}/${file}`, body: request.body as JsonObject })),
  ),
);

interface Turn {
  readonly role: string;
  readonly content: readonly JsonObject[];
}

/** What Anthropic and Bedrock demand of every request. */
function assertAcceptable(turns: readonly Turn[], file: string): void {
  turns.forEach(({ role, content }, index) => {
    assert.ok(content.length > 0, `${file}: an empty turn`);
    assert.ok(role === 'system' || role !== turns[index - 1]?.role, `${file}: two turns of one role`);
    for (const block of content)
      assert.ok(typeof block.text !== 'string' || block.text.trim() !== '', `${file}: a blank text`);
    const results = content.map((block) => block.type === 'tool_result' || block.toolResult !== undefined);
    assert.ok(
      results.lastIndexOf(true) < results.filter(Boolean).length,
      `${file}: a tool result behind other content`,
    );
  });
}

test('translates every recorded chat request for Claude and Bedrock, or names what stands in the way', {
  skip: recordingsMissing,
}, (t) => {
  let written = 0;
  const refused = new Map<string, number>();
  for (const { file, body } of chatRequests) {
    const conversation = openaiChat.chat!.decodeRequest(body);
    for (const { dialect, models } of targets) {
      for (const model of models) {
        const context = {
          model,
          stream: false,
          capabilities: {},
          lost: (path: string) => assert.doesNotMatch(path, /\$|undefined/),
        };
        try {
          const encoded = dialect.chat!.encodeRequest(conversation, context);
          assertAcceptable(encoded.messages as unknown as Turn[], file);
          written += 1;
        } catch (error) {
          if (!isGatewayError(error) || error.code !== 'REQ_INVALID') throw error;
          assert.match(error.param ?? '', /^(n|messages\[\d+\]\S*)$/, file);
          const reason = error.message.replace(/^\S+: /, '');
          refused.set(reason, (refused.get(reason) ?? 0) + 1);
        }
      }
    }
  }
  t.diagnostic(
    `${written} bodies written from ${chatRequests.length} requests; refused: ${JSON.stringify(Object.fromEntries(refused))}`,
  );
});

test('gives an OpenAI client the text and calls of every recorded Claude stream', { skip: recordingsMissing }, (t) => {
  const streams = recordings('anthropic').flatMap(({ file, interactions }) =>
    interactions
      .filter(({ response }) => response.bodyText !== undefined)
      .map(({ response }) => ({ file, text: response.bodyText! })),
  );
  for (const { file, text } of streams) {
    const conversation: Conversation = { model: 'm', messages: [], stream: true, streamUsage: true };
    const encoder = openaiChat.chat!.encodeStream({ requestId: 'r', model: 'm', conversation, now: 1 });
    const sent: AnswerEvent[] = [];
    let chunks = '';
    const decoder = anthropicMessages.chat!.decodeStream();
    const emit = (event: AnswerEvent): void => {
      sent.push(event);
      chunks += encoder.event(event);
    };
    for (const event of framedEvents(text)) decoder.event(event, emit);
    decoder.end(emit);
    const received: AnswerEvent[] = [];
    const client = openaiChat.chat!.decodeStream();
    for (const event of framedEvents(chunks)) client.event(event, (one) => received.push(one));
    client.end((one) => received.push(one));
    const words = (events: AnswerEvent[], type: 'text' | 'arguments'): string =>
      events.map((event) => (event.type === type ? event.text : '')).join('');
    for (const type of ['text', 'arguments'] as const) assert.equal(words(received, type), words(sent, type), file);
    const reasons = [sent, received].map((events) => events.find((event) => event.type === 'finish')?.finish.reason);
    assert.equal(reasons[1], reasons[0], file);
  }
  t.diagnostic(`${streams.length} streams`);
});

test("brings a chat request's tool loop to Claude and its answer back", () => {
  const body = {
    model: 'claude-sonnet-4-5',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get.weather', arguments: '' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    ],
    tools: [{ type: 'function', function: { name: 'get.weather' } }],
    reasoning_effort: 'none',
    seed: 7,
  };
  const conversation = openaiChat.chat!.decodeRequest(body);
  const lost: string[] = [];
  const encoded = anthropicMessages.chat!.encodeRequest(conversation, {
    model: 'claude-sonnet-4-5',
    stream: false,
    capabilities: {},
    lost: (path) => lost.push(path),
  });
  assert.deepEqual(lost, ['seed']);
  assert.deepEqual(JSON.parse(JSON.stringify(encoded)), {
    model: 'claude-sonnet-4-5',
    max_tokens: 21_333,
    system: [{ type: 'text', text: 'Be brief.' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Weather?' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'get_weather', input: {} }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'sunny' }] }],
      },
    ],
    tools: [{ name: 'get_weather', input_schema: { type: 'object', properties: {} } }],
  });
  const reply = {
    id: 'msg_1',
    model: 'c',
    content: [{ type: 'tool_use', id: 't2', name: 'get_weather', input: {} }],
    stop_reason: 'tool_use',
  };
  const answer = anthropicMessages.chat!.decodeAnswer(reply, conversation);
  const [block] = answer.choices[0]!.blocks as readonly Extract<Block, { type: 'tool-call' }>[];
  assert.deepEqual([block!.name, answer.choices[0]!.finish!.reason], ['get.weather', 'tool-calls']);
});
