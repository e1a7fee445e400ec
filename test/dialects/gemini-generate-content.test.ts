import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import fc from 'fast-check';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { AnswerContext } from '../../plugin-sdk/dialects/dialect.ts';
import { capabilitiesOf } from '../../plugin-sdk/dialects/gemini-generate-content/capabilities.ts';
import { geminiGenerateContent, google } from '../../plugin-sdk/dialects/gemini-generate-content/index.ts';
import { sealedSignature } from '../../plugin-sdk/dialects/gemini-generate-content/sealed-signature.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject, JsonValue } from '../../plugin-sdk/json.ts';
import { type Interaction, recordings, recordingsMissing } from '../recordings.ts';
import { framedEvents } from './sse.ts';

const codec = geminiGenerateContent.chat!;
const chat = openaiChat.chat!;

/** A value as it would be after a trip over the wire. */
const wire = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject;

const answerContext: AnswerContext = {
  requestId: 'req_1',
  model: 'gpt-x',
  conversation: { model: 'gpt-x', messages: [] },
  now: 1_700_000_000,
};

function encode(
  conversation: Conversation,
  model = 'gemini-3-flash-preview',
  capabilities: Record<string, unknown> = {},
) {
  const lost: string[] = [];
  const body = wire(
    codec.encodeRequest(conversation, { model, stream: false, capabilities, lost: (path) => lost.push(path) }),
  );
  return { body, lost };
}

/** An OpenAI chat request as Gemini gets it. */
function fromChat(body: JsonObject, model?: string, capabilities?: Record<string, unknown>) {
  return encode(
    chat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body }),
    model,
    capabilities,
  );
}

function contentsOf(messages: JsonValue[], model?: string, capabilities?: Record<string, unknown>) {
  return fromChat({ messages }, model, capabilities).body['contents'] as JsonObject[];
}

function answerOf(parts: JsonValue[], candidate: JsonObject = {}, request?: Conversation) {
  const candidates = [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...candidate }];
  return codec.decodeAnswer({ candidates, responseId: 'r1', modelVersion: 'gemini-x' }, request);
}

function decodeEvents(chunks: JsonObject[], request?: Conversation): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const decoder = codec.decodeStream(request);
  for (const chunk of chunks) decoder.event({ data: JSON.stringify(chunk) }, (event) => events.push(event));
  decoder.end((event) => events.push(event));
  return events;
}

function encodeEvents(events: AnswerEvent[]): JsonObject[] {
  const encoder = codec.encodeStream(answerContext);
  const text = events.map((event) => encoder.event(event)).join('');
  return framedEvents(text).map((event) => JSON.parse(event.data) as JsonObject);
}

function chunk(parts: JsonValue[], more: JsonObject = {}): JsonObject {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    responseId: 'r1',
    modelVersion: 'gemini-x',
  };
}

const tool = (name: string, more: JsonObject = {}) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} }, ...more },
});

const call = (id: string, name: string, args = '{}', more: JsonObject = {}) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
  ...more,
});

function refused(body: JsonObject, capabilities?: Record<string, unknown>): string | undefined {
  try {
    fromChat(body, undefined, capabilities);
  } catch (error) {
    assert(isGatewayError(error));
    assert.equal(error.code, 'REQ_INVALID');
    return error.param;
  }
  return assert.fail('nothing was thrown');
}

describe('gemini: what was recorded comes out as it went in', { skip: recordingsMissing }, () => {
  const exchanges: { file: string; flavour: string; model: string; interaction: Interaction }[] = [];
  for (const flavour of ['gemini', 'vertex']) {
    for (const { file, interactions } of recordings(flavour)) {
      for (const interaction of interactions) {
        const model = /models\/([^:]+):(stream)?[gG]enerateContent/.exec(interaction.request.url)?.[1];
        if (model !== undefined) exchanges.push({ file, flavour, model, interaction });
      }
    }
  }
  const bodyOf = ({ body, bodyText }: { body?: JsonValue; bodyText?: string }) =>
    (body ?? JSON.parse(bodyText!)) as JsonObject;

  test('every request is the same after decoding and encoding, and nothing is lost', (t) => {
    for (const { file, flavour, model, interaction } of exchanges) {
      const body = bodyOf(interaction.request);
      const again = encode(codec.decodeRequest(body), model, { flavour });
      assert.deepEqual(again, { body, lost: [] }, file);
    }
    t.diagnostic(`${exchanges.length} of ${exchanges.length} requests equal, no exceptions`);
  });

  test('every whole answer is the same after decoding and encoding', (t) => {
    let checked = 0;
    for (const { file, interaction } of exchanges) {
      if (interaction.response.status !== 200 || interaction.request.url.includes('alt=sse')) continue;
      const body = bodyOf(interaction.response);
      assert.deepEqual(wire(codec.encodeAnswer(codec.decodeAnswer(body), answerContext)), body, file);
      checked++;
    }
    t.diagnostic(`${checked} of ${checked} answers equal, no exceptions`);
  });

  test('every chunk of every stream is the same after decoding and encoding', (t) => {
    let streams = 0;
    let chunks = 0;
    for (const { file, interaction } of exchanges) {
      if (!interaction.request.url.includes('alt=sse')) continue;
      const recorded = framedEvents(interaction.response.bodyText!).map(
        (event) => JSON.parse(event.data) as JsonObject,
      );
      assert.deepEqual(encodeEvents(decodeEvents(recorded)), recorded, file);
      streams++;
      chunks += recorded.length;
    }
    t.diagnostic(`${streams} of ${streams} streams equal chunk by chunk (${chunks} chunks), no exceptions`);
  });

  test('the meter reads the same usage from bytes as decoding does from the parsed answer', () => {
    for (const { file, interaction } of exchanges) {
      if (interaction.response.status !== 200 || interaction.request.url.includes('alt=sse')) continue;
      const body = bodyOf(interaction.response);
      const answer = codec.decodeAnswer(body);
      for (const indent of [0, 2]) {
        const reading = geminiGenerateContent.meter.json(Buffer.from(JSON.stringify(body, null, indent)));
        assert.deepEqual(reading.usage, answer.usage, file);
        assert.equal(reading.finish, (body['candidates'] as JsonObject[] | undefined)?.[0]?.['finishReason'], file);
      }
    }
  });

  test('recorded answers become OpenAI chat answers with content or tool calls', () => {
    for (const { interaction } of exchanges) {
      if (interaction.response.status !== 200 || interaction.request.url.includes('alt=sse')) continue;
      const answer = codec.decodeAnswer(bodyOf(interaction.response));
      const completion = wire(chat.encodeAnswer(answer, answerContext));
      const choice = (completion['choices'] as JsonObject[])[0]!;
      assert.notEqual(choice['finish_reason'], null);
    }
  });
});

describe('gemini: spelling', () => {
  test('keeps snake_case where the client wrote it, in one object and not in its neighbour', () => {
    const body = {
      contents: [
        {
          role: 'user',
          parts: [
            { inline_data: { mime_type: 'image/png', data: '-_8=' } },
            { fileData: { fileUri: 'gs://b/o', mimeType: 'video/mp4' } },
          ],
        },
      ],
      generation_config: {
        max_output_tokens: 5,
        topP: 0.5,
        thinking_config: { thinkingBudget: 0, include_thoughts: true },
      },
      tools: [{ function_declarations: [{ name: 'f', parametersJsonSchema: { type: 'object' } }] }],
      tool_config: { functionCallingConfig: { mode: 'ANY', allowed_function_names: ['f'] } },
      some_new_field: { inner_field: 1 },
    };
    const conversation = codec.decodeRequest(body);
    assert.equal(conversation.maxOutputTokens, 5);
    assert.deepEqual(conversation.toolChoice, { type: 'tool', name: 'f' });
    assert.deepEqual(encode(conversation).body, body);
  });

  test('gives other dialects standard base64 for the URL alphabet', () => {
    const conversation = codec.decodeRequest({
      contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: '-_8=' } }] }],
    });
    const block = conversation.messages[0]!.blocks[0]!;
    assert(block.type === 'image' && block.source.kind === 'base64');
    assert.equal(block.source.data, '+/8=');
  });

  test('accepts a lone value for a list and writes it back alone', () => {
    const body = { contents: { role: 'user', parts: { text: 'Hi' } }, tools: { googleSearch: {} } };
    assert.deepEqual(encode(codec.decodeRequest(body)).body, body);
  });

  test('refuses a field of the wrong type, naming it', () => {
    const param = (body: JsonObject, name: string) =>
      assert.throws(() => codec.decodeRequest(body), { code: 'REQ_INVALID', param: name });
    param({ contents: 'Hi' }, 'contents');
    param({ contents: [{ parts: ['Hi'] }] }, 'contents[0].parts');
    param({ contents: [], systemInstruction: 'Hi' }, 'systemInstruction');
    param({ contents: [], generationConfig: [] }, 'generationConfig');
  });

  test('any unknown field survives, wherever it stands', () => {
    const field = fc.record({ key: fc.stringMatching(/^[a-z][a-z_]{3,10}$/), value: fc.jsonValue() });
    fc.assert(
      fc.property(
        field,
        fc.constantFrom('root', 'content', 'part', 'call', 'config', 'tool'),
        ({ key, value }, place) => {
          const extra = (name: string) => (name === place ? { [`x_${key}`]: value as JsonValue } : {});
          const body: JsonObject = {
            contents: [
              { role: 'user', parts: [{ text: 'Hi', ...extra('part') }], ...extra('content') },
              { role: 'model', parts: [{ functionCall: { name: 'f', args: {}, ...extra('call') } }] },
            ],
            generationConfig: { temperature: 1, ...extra('config') },
            tools: [{ functionDeclarations: [{ name: 'f', ...extra('tool') }] }],
            ...extra('root'),
          };
          assert.deepEqual(encode(codec.decodeRequest(body)).body, wire(body));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('gemini: any JSON', () => {
  const names = [
    'contents',
    'parts',
    'role',
    'text',
    'functionCall',
    'functionResponse',
    'response',
    'inlineData',
    'mimeType',
    'data',
    'tools',
    'functionDeclarations',
    'toolConfig',
    'functionCallingConfig',
    'mode',
    'generationConfig',
    'thinkingConfig',
    'candidates',
    'content',
    'finishReason',
    'usageMetadata',
    'groundingMetadata',
    'groundingSupports',
    'segment',
    'promptFeedback',
    'error',
  ];
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom('user', 'model', 'x', 'image/png', 'ANY', '', null, 1, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
    ),
  }));

  test('is read or refused with an error of the gateway, in every direction', () => {
    const isRefusedAtMost = (action: () => void) => {
      try {
        action();
      } catch (error) {
        if (!isGatewayError(error)) throw error;
      }
    };
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value, { minKeys: 1 }), (random) => {
        const body = wire(random);
        isRefusedAtMost(() => encode(codec.decodeRequest(body)));
        isRefusedAtMost(() => codec.encodeAnswer(codec.decodeAnswer(body), answerContext));
        isRefusedAtMost(() => encodeEvents(decodeEvents([body])));
        google.meter.json(Buffer.from(JSON.stringify(body)));
        google.meter.stream()({ data: JSON.stringify(body) });
        google.decodeError(500, Buffer.from(JSON.stringify(body)), []);
      }),
      { numRuns: 500 },
    );
  });
});

describe('gemini: messages', () => {
  test('leading system and developer messages become the system instruction', () => {
    const { body } = fromChat({
      messages: [
        { role: 'system', content: 'A' },
        { role: 'developer', content: 'B' },
        { role: 'user', content: 'Hi' },
      ],
    });
    assert.deepEqual(body['systemInstruction'], { parts: [{ text: 'A' }, { text: 'B' }] });
    assert.deepEqual(body['contents'], [{ role: 'user', parts: [{ text: 'Hi' }] }]);
  });

  test('a system message in the middle becomes text of the user where it stood', () => {
    const contents = contentsOf([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Go' },
    ]);
    assert.deepEqual(contents[2], { role: 'user', parts: [{ text: 'Be brief.' }, { text: 'Go' }] });
  });

  test('Gemma, which knows no system instruction, gets it in the first turn of the user', () => {
    const { body } = fromChat(
      {
        messages: [
          { role: 'system', content: 'A' },
          { role: 'user', content: 'Hi' },
        ],
      },
      'gemma-3-27b-it',
    );
    assert.equal(body['systemInstruction'], undefined);
    assert.deepEqual(body['contents'], [{ role: 'user', parts: [{ text: 'A' }, { text: 'Hi' }] }]);
  });

  test('a prompt that is all system text becomes the turn of the user', () => {
    const { body } = fromChat({ messages: [{ role: 'system', content: 'A' }] });
    assert.deepEqual(body, { contents: [{ role: 'user', parts: [{ text: 'A' }] }] });
  });

  test('empty texts are left out and neighbours of one role are merged', () => {
    const contents = contentsOf([
      { role: 'user', content: 'A' },
      { role: 'assistant', content: '' },
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'B' },
        ],
      },
    ]);
    assert.deepEqual(contents, [{ role: 'user', parts: [{ text: 'A' }, { text: 'B' }] }]);
  });

  test('inline media of any kind becomes inlineData, and image/jpg is corrected', () => {
    const [content] = contentsOf([
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } },
          { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC', filename: 'a.pdf' } },
        ],
      },
    ]);
    assert.deepEqual(content!['parts'], [
      { inlineData: { mimeType: 'image/jpeg', data: 'AAAA' } },
      { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
    ]);
  });

  const image = (url: string) => ({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'x' },
          { type: 'image_url', image_url: { url } },
        ],
      },
    ],
  });

  test('a remote image is refused for the Gemini API, naming its path', () => {
    assert.equal(refused(image('https://example.com/cat.png')), 'messages[0].content[1].image_url.url');
  });

  test('a remote image goes to Vertex as fileData with a guessed media type', () => {
    const { body } = fromChat(image('https://example.com/cat.png?x=1.gif'), undefined, { flavour: 'vertex' });
    const parts = (body['contents'] as JsonObject[])[0]!['parts'] as JsonObject[];
    assert.deepEqual(parts[1], { fileData: { fileUri: 'https://example.com/cat.png?x=1.gif', mimeType: 'image/png' } });
  });

  for (const url of [
    'https://generativelanguage.googleapis.com/v1beta/files/a',
    'https://www.youtube.com/watch?v=1',
    'gs://b/o.png',
  ]) {
    test(`${url} goes to the Gemini API as fileData`, () => {
      const parts = (fromChat(image(url)).body['contents'] as JsonObject[])[0]!['parts'] as JsonObject[];
      assert.equal((parts[1]!['fileData'] as JsonObject)['fileUri'], url);
    });
  }

  test('a file of another provider is refused, naming its path', () => {
    const param = refused({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-abc' } }] }] });
    assert.equal(param, 'messages[0].content[0].file.file_id');
  });
});

describe('gemini: tool calls and results', () => {
  const parallel = [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: null, tool_calls: [call('a', 'weather', '{"city":"Paris"}'), call('b', 'time', '')] },
    { role: 'tool', tool_call_id: 'b', content: '3pm' },
    { role: 'tool', tool_call_id: 'a', content: '{"celsius":24}' },
  ];

  test('all results of parallel calls stand in one turn, in the order of the calls, each with the name of its tool', () => {
    const contents = contentsOf(parallel, 'gemini-2.5-flash');
    assert.deepEqual(contents.slice(1), [
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'a', name: 'weather', args: { city: 'Paris' } } },
          { functionCall: { id: 'b', name: 'time', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'a', name: 'weather', response: { celsius: 24 } } },
          { functionResponse: { id: 'b', name: 'time', response: { output: '3pm' } } },
        ],
      },
    ]);
  });

  test('ids of calls are left out for Vertex', () => {
    const contents = contentsOf(parallel, 'gemini-2.5-flash', { flavour: 'vertex' });
    assert(!JSON.stringify(contents).includes('"id"'));
  });

  test('a result that is an object with $ref is sent as text', () => {
    const messages = [...parallel.slice(0, 2), { role: 'tool', tool_call_id: 'a', content: '{"$ref":"#/x"}' }];
    const response = JSON.stringify(contentsOf(messages, 'gemini-2.5-flash').at(-1));
    assert(response.includes('"response":{"output":"{\\"$ref\\":\\"#/x\\"}"}'));
  });

  test('a result of a call that nobody made is refused, naming the id', () => {
    const param = refused({ messages: [...parallel.slice(0, 3), { role: 'tool', tool_call_id: 'z', content: '' }] });
    assert.equal(param, 'messages[3].tool_call_id');
  });

  test('arguments that are no JSON are refused, naming the path', () => {
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', tool_calls: [call('a', 'f', '{oops')] },
    ];
    assert.equal(refused({ messages }), 'messages[1].tool_calls[0].function.arguments');
  });

  test('arguments that are JSON but no object are wrapped', () => {
    const contents = contentsOf([
      { role: 'user', content: 'x' },
      { role: 'assistant', tool_calls: [call('a', 'f', '[1]')] },
    ]);
    const [part] = contents[1]!['parts'] as JsonObject[];
    assert.deepEqual((part!['functionCall'] as JsonObject)['args'], { value: [1] });
  });

  const withImage: Conversation = {
    model: 'm',
    messages: [
      { role: 'user', blocks: [{ type: 'text', text: 'x' }] },
      { role: 'assistant', blocks: [{ type: 'tool-call', id: 'a', name: 'shot', arguments: '{}' }] },
      {
        role: 'user',
        blocks: [
          {
            type: 'tool-result',
            callId: 'a',
            content: [
              { type: 'text', text: 'here' },
              { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'AAAA' } },
            ],
          },
        ],
      },
    ],
  };
  const media = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
  const lastParts = (model: string) =>
    (encode(withImage, model).body['contents'] as JsonObject[]).at(-1)!['parts'] as JsonObject[];

  test('an image in a result stands inside the function response from Gemini 3 on', () => {
    assert.deepEqual(lastParts('gemini-3-flash-preview'), [
      { functionResponse: { id: 'a', name: 'shot', response: { output: 'here' }, parts: [media] } },
    ]);
  });

  test('an image in a result stands behind the function response for older models', () => {
    assert.deepEqual(lastParts('gemini-2.5-flash'), [
      { functionResponse: { id: 'a', name: 'shot', response: { output: 'here' } } },
      media,
    ]);
  });

  test('calls without ids are paired with their results by name and order', () => {
    const conversation = codec.decodeRequest({
      contents: [
        {
          role: 'model',
          parts: [{ functionCall: { name: 'f', args: { n: 1 } } }, { functionCall: { name: 'f', args: { n: 2 } } }],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'f', response: { output: 'one' } } },
            { functionResponse: { name: 'f', response: { output: 'two' } } },
          ],
        },
      ],
    });
    const [calls, results] = conversation.messages.map((message) => message.blocks);
    const ids = calls!.map((block) => (block.type === 'tool-call' ? block.id : ''));
    assert.deepEqual(
      results!.map((block) => (block.type === 'tool-result' ? block.callId : '')),
      ids,
    );
    assert.notEqual(ids[0], ids[1]);
  });

  test('calls of different answers get different ids', () => {
    const parts = [{ functionCall: { name: 'f', args: {} } }];
    const id = (body: JsonObject) => {
      const block = codec.decodeAnswer(body).choices[0]!.blocks[0]!;
      return block.type === 'tool-call' ? block.id : '';
    };
    const candidates = [{ content: { parts }, finishReason: 'STOP' }];
    assert.notEqual(id({ candidates, responseId: 'r1' }), id({ candidates, responseId: 'r2' }));
    const counted = (promptTokenCount: number) => ({ candidates, usageMetadata: { promptTokenCount } });
    assert.notEqual(id(counted(10)), id(counted(20)));
    assert.equal(id(counted(10)), id(counted(10)));
  });
});

describe('gemini: thought signatures', () => {
  const signed = { extra_content: { google: { thought_signature: 'SIG' } } };
  const history = (first: JsonObject) => [
    { role: 'user', content: 'Old question' },
    { role: 'assistant', tool_calls: [call('o', 'f')] },
    { role: 'tool', tool_call_id: 'o', content: 'old' },
    { role: 'assistant', content: 'Old answer' },
    { role: 'user', content: 'New question' },
    { role: 'assistant', tool_calls: [call('a', 'f', '{}', first), call('b', 'f')] },
    { role: 'tool', tool_call_id: 'a', content: '1' },
    { role: 'tool', tool_call_id: 'b', content: '2' },
  ];
  const signatures = (messages: JsonValue[], model: string) =>
    contentsOf(messages, model).flatMap((content) =>
      (content['parts'] as JsonObject[]).filter((part) => part['functionCall']).map((part) => part['thoughtSignature']),
    );

  test('a signature that the client kept goes back on its call', () => {
    assert.deepEqual(signatures(history(signed), 'gemini-3-flash-preview'), [undefined, 'SIG', undefined]);
  });

  test('a missing signature is replaced on the first call of each step of the current turn only', () => {
    const skip = 'skip_thought_signature_validator';
    assert.deepEqual(signatures(history({}), 'gemini-3-pro-preview'), [undefined, skip, undefined]);
  });

  test('models that check no signatures get no replacement', () => {
    assert.deepEqual(signatures(history({}), 'gemini-2.5-flash'), [undefined, undefined, undefined]);
  });

  test('a signature of another maker is never sent', () => {
    const { body } = encode({
      model: 'm',
      messages: [
        { role: 'user', blocks: [{ type: 'text', text: 'x' }] },
        {
          role: 'assistant',
          blocks: [
            { type: 'reasoning', text: 'hm', signature: 'CLAUDE', maker: 'anthropic' },
            { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'CLAUDE', maker: 'anthropic' },
          ],
        },
      ],
    });
    assert(!JSON.stringify(body).includes('CLAUDE'));
    assert(JSON.stringify(body).includes('skip_thought_signature_validator'));
  });

  test('a signature on text follows it as a reasoning block and returns to the text', () => {
    const answer = answerOf([{ text: 'Hi', thoughtSignature: 'SIG' }]);
    assert.deepEqual(answer.choices[0]!.blocks, [
      { type: 'text', text: 'Hi' },
      { type: 'reasoning', signature: 'SIG', maker: 'google' },
    ]);
    const { body } = encode({
      model: 'm',
      messages: [
        { role: 'user', blocks: [{ type: 'text', text: 'x' }] },
        { role: 'assistant', blocks: answer.choices[0]!.blocks },
      ],
    });
    assert.deepEqual((body['contents'] as JsonObject[])[1]!['parts'], [{ text: 'Hi', thoughtSignature: 'SIG' }]);
  });

  test('a signature survives the way through an OpenAI chat client', () => {
    const answer = answerOf([{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'SIG' }]);
    const completion = wire(chat.encodeAnswer(answer, answerContext));
    const message = (completion['choices'] as JsonObject[])[0]!['message'] as JsonObject;
    const id = (message['tool_calls'] as JsonObject[])[0]!['id'] as string;
    const contents = contentsOf([
      { role: 'user', content: 'x' },
      message,
      { role: 'tool', tool_call_id: id, content: 'done' },
    ]);
    const [part] = contents[1]!['parts'] as JsonObject[];
    assert.equal(part!['thoughtSignature'], 'SIG');
    assert.equal((part!['functionCall'] as JsonObject)['name'], 'f');
  });
});

describe('gemini: tools, choice and output format', () => {
  const schema = { $schema: 'https://json-schema.org/draft', type: 'object', properties: { const: { const: 'a' } } };

  test('tools become one list of declarations with JSON Schema; one without parameters has none', () => {
    const { body } = fromChat({
      tools: [tool('f', { description: 'F', parameters: schema }), { type: 'function', function: { name: 'g' } }],
    });
    assert.deepEqual(body['tools'], [
      {
        functionDeclarations: [
          {
            name: 'f',
            description: 'F',
            parametersJsonSchema: { type: 'object', properties: { const: { enum: ['a'] } } },
          },
          { name: 'g' },
        ],
      },
    ]);
  });

  const mode = (choice: JsonValue, tools: JsonValue[] = [tool('f'), tool('g')]) =>
    (fromChat({ tools, tool_choice: choice }).body['toolConfig'] as JsonObject | undefined)?.['functionCallingConfig'];

  test('every tool choice has its mode', () => {
    assert.deepEqual(mode('auto'), { mode: 'AUTO' });
    assert.deepEqual(mode('none'), { mode: 'NONE' });
    assert.deepEqual(mode('required'), { mode: 'ANY' });
    assert.deepEqual(mode({ type: 'function', function: { name: 'g' } }), { mode: 'ANY', allowedFunctionNames: ['g'] });
    const allowed = (kind: string) => ({
      type: 'allowed_tools',
      allowed_tools: { mode: kind, tools: [{ type: 'function', function: { name: 'g' } }] },
    });
    assert.deepEqual(mode(allowed('required')), { mode: 'ANY', allowedFunctionNames: ['g'] });
    assert.deepEqual(mode(allowed('auto')), { mode: 'VALIDATED', allowedFunctionNames: ['g'] });
  });

  test('strict tools are held to their schema', () => {
    assert.deepEqual(mode('auto', [tool('f', { strict: true })]), { mode: 'VALIDATED' });
  });

  test('a choice without tools, and an empty list of tools, are left out', () => {
    const { body } = fromChat({ tools: [], tool_choice: 'auto' });
    assert.deepEqual(Object.keys(body), ['contents']);
  });

  test('names that Google does not allow are replaced and come back in the answer', () => {
    const long = 'x'.repeat(80);
    const request = chat.decodeRequest({
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      tools: [tool('my tool'), tool('my_tool'), tool(long)],
    });
    const { body } = encode(request);
    const declared = ((body['tools'] as JsonObject[])[0]!['functionDeclarations'] as JsonObject[]).map(
      (one) => one['name'] as string,
    );
    assert.deepEqual(declared, ['my_tool_2', 'my_tool', 'x'.repeat(64)]);
    const answer = answerOf(
      declared.map((name) => ({ functionCall: { name, args: {} } })),
      {},
      request,
    );
    assert.deepEqual(
      answer.choices[0]!.blocks.map((block) => (block.type === 'tool-call' ? block.name : '')),
      ['my tool', 'my_tool', long],
    );
  });

  test('a custom tool is a function of one string and its call is free text again', () => {
    const request = chat.decodeRequest({
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      tools: [{ type: 'custom', custom: { name: 'sql' } }],
    });
    const { body } = encode(request);
    assert(JSON.stringify(body['tools']).includes('"required":["input"]'));
    const [block] = answerOf([{ functionCall: { name: 'sql', args: { input: 'select 1' } } }], {}, request).choices[0]!
      .blocks;
    assert(block?.type === 'tool-call');
    assert.equal(block.kind, 'custom');
    assert.equal(block.arguments, 'select 1');
  });

  const wanted = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } } };

  test('a JSON schema becomes responseJsonSchema', () => {
    assert.deepEqual(fromChat(wanted).body['generationConfig'], {
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object', properties: { const: { enum: ['a'] } } },
    });
  });

  test('a JSON schema beside tools becomes a tool on models before Gemini 3, and its call becomes the text', () => {
    const { body } = fromChat({ ...wanted, tools: [tool('f')] }, 'gemini-2.5-flash');
    assert.equal(body['generationConfig'], undefined);
    assert.deepEqual(body['toolConfig'], { functionCallingConfig: { mode: 'ANY' } });
    const declared = ((body['tools'] as JsonObject[])[0]!['functionDeclarations'] as JsonObject[]).map(
      (one) => one['name'] as string,
    );
    assert.equal(declared.length, 2);
    const [choice] = answerOf([{ functionCall: { name: declared[1]!, args: { const: 'a' } } }]).choices;
    assert.deepEqual(choice!.blocks, [{ type: 'text', text: '{"const":"a"}' }]);
    assert.equal(choice!.finish?.reason, 'stop');
    const events = decodeEvents([
      chunk([{ functionCall: { name: declared[1]!, args: { const: 'a' } } }], { finishReason: 'STOP' }),
    ]);
    assert(!JSON.stringify(events.filter((event) => event.type !== 'native')).includes(declared[1]!));
  });

  test('a wish for JSON beside tools is said in words on models before Gemini 3, which refuse the type of JSON there', () => {
    const json = { response_format: { type: 'json_object' } };
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ];
    const hint = { text: 'Reply with one valid JSON object and nothing else: no prose, no Markdown fences.' };
    const { body } = fromChat({ ...json, messages, tools: [tool('f')] }, 'gemini-2.5-flash');
    assert.equal(body['generationConfig'], undefined);
    assert.deepEqual(body['systemInstruction'], { parts: [{ text: 'Be kind.' }, hint] });
    assert.equal((body['tools'] as JsonObject[]).length, 1);
    const alone = fromChat({ ...json, tools: [tool('f')] }, 'gemini-2.5-flash').body;
    assert.deepEqual(alone['systemInstruction'], { parts: [hint] });
    for (const [more, model] of [
      [{ tools: [tool('f')] }, 'gemini-3-flash-preview'],
      [{ tools: [tool('f')], tool_choice: 'none' }, 'gemini-2.5-flash'],
      [{}, 'gemini-2.5-flash'],
    ] as [JsonObject, string][]) {
      const { body: plain } = fromChat({ ...json, ...more }, model);
      assert.deepEqual(plain['generationConfig'], { responseMimeType: 'application/json' });
      assert.equal(plain['systemInstruction'], undefined);
    }
  });

  test('a JSON schema beside tools that may not be called stays one, without the tools', () => {
    const { body } = fromChat({ ...wanted, tools: [tool('f')], tool_choice: 'none' }, 'gemini-2.5-flash');
    assert.equal(body['tools'], undefined);
    assert((body['generationConfig'] as JsonObject)['responseJsonSchema']);
  });

  test('a JSON schema beside tools stays one from Gemini 3 on', () => {
    const { body } = fromChat({ ...wanted, tools: [tool('f')] }, 'gemini-3-flash-preview');
    assert((body['generationConfig'] as JsonObject)['responseJsonSchema']);
  });

  test('the older OpenAPI schema is read as JSON Schema and written back as it was', () => {
    const older = {
      type: 'OBJECT',
      properties: { n: { type: 'INTEGER', nullable: true, minItems: '1' } },
      propertyOrdering: ['n'],
    };
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'x' }] }],
      generationConfig: { responseMimeType: 'application/json', responseSchema: older },
      tools: [{ functionDeclarations: [{ name: 'f', parameters: older }] }],
    };
    const conversation = codec.decodeRequest(body);
    const expected = { type: 'object', properties: { n: { type: ['integer', 'null'], minItems: 1 } } };
    assert(conversation.output?.type === 'schema' && conversation.tools?.[0]?.type === 'function');
    assert.deepEqual(conversation.output.schema, expected);
    assert.deepEqual(conversation.tools[0].parameters, expected);
    assert.deepEqual(encode(conversation).body, body);
  });

  test('a wish for web search becomes Google search', () => {
    assert.deepEqual(fromChat({ web_search_options: { search_context_size: 'low' } }).body['tools'], [
      { googleSearch: {} },
    ]);
  });
});

describe('gemini: parameters', () => {
  const config = (body: JsonObject, model?: string, capabilities?: Record<string, unknown>) =>
    (fromChat(body, model, capabilities).body['generationConfig'] ?? {}) as JsonObject;

  test('sampling, limits and stop have their names; a sixth stop sequence is lost', () => {
    const { body, lost } = fromChat({
      temperature: 1.7,
      top_p: 0.9,
      seed: 4,
      n: 2,
      max_tokens: 9,
      stop: ['a', 'b', 'c', 'd', 'e', 'f'],
      presence_penalty: 1,
    });
    assert.deepEqual(body['generationConfig'], {
      temperature: 1.7,
      topP: 0.9,
      seed: 4,
      candidateCount: 2,
      maxOutputTokens: 9,
      presencePenalty: 1,
      stopSequences: ['a', 'b', 'c', 'd', 'e'],
    });
    assert.deepEqual(lost, ['stop[5]']);
  });

  test('penalties are lost on Gemini 2.5 at the Gemini API and kept on Vertex', () => {
    assert.deepEqual(fromChat({ frequency_penalty: 1, presence_penalty: 1 }, 'gemini-2.5-flash').lost, [
      'frequency_penalty',
      'presence_penalty',
    ]);
    assert.deepEqual(fromChat({ frequency_penalty: 1 }, 'gemini-2.5-flash', { flavour: 'vertex' }).lost, []);
  });

  test('2.5 models think by budget', () => {
    const budget = (effort: string, model: string) => config({ reasoning_effort: effort }, model)['thinkingConfig'];
    assert.deepEqual(budget('none', 'gemini-2.5-flash'), { thinkingBudget: 0 });
    assert.deepEqual(budget('none', 'gemini-2.5-pro'), { thinkingBudget: 128 });
    assert.deepEqual(budget('low', 'gemini-2.5-flash'), { thinkingBudget: 1024 });
    assert.deepEqual(budget('high', 'gemini-2.5-flash'), { thinkingBudget: 24_576 });
    assert.deepEqual(budget('max', 'gemini-2.5-pro'), { thinkingBudget: 32_768 });
  });

  test('from Gemini 3 on models think by level, the nearest that there is', () => {
    const level = (effort: string, model: string) => config({ reasoning_effort: effort }, model)['thinkingConfig'];
    assert.deepEqual(level('minimal', 'gemini-3-flash-preview'), { thinkingLevel: 'MINIMAL' });
    assert.deepEqual(level('minimal', 'gemini-3-pro-preview'), { thinkingLevel: 'LOW' });
    assert.deepEqual(level('xhigh', 'gemini-3-pro-preview'), { thinkingLevel: 'HIGH' });
    assert.deepEqual(level('xhigh', 'gemini-4-hydrogen'), { thinkingLevel: 'XHIGH' });
    const off = fromChat({ reasoning_effort: 'none' }, 'gemini-3-pro-preview');
    assert.deepEqual(off.lost, ['reasoning_effort']);
    assert.deepEqual((off.body['generationConfig'] as JsonObject)['thinkingConfig'], { thinkingLevel: 'LOW' });
  });

  test('models that do not think are not told how to', () => {
    const { body, lost } = fromChat({ reasoning_effort: 'low' }, 'gemini-2.0-flash');
    assert.equal(body['generationConfig'], undefined);
    assert.deepEqual(lost, ['reasoning_effort']);
  });

  test('a wish to read the thinking asks for thoughts', () => {
    const conversation: Conversation = {
      model: 'm',
      messages: [{ role: 'user', blocks: [{ type: 'text', text: 'x' }] }],
      reasoning: { budgetTokens: 2_000, show: 'auto' },
    };
    assert.deepEqual(encode(conversation, 'gemini-2.5-flash').body['generationConfig'], {
      thinkingConfig: { includeThoughts: true, thinkingBudget: 2_000 },
    });
    assert.deepEqual(encode(conversation).body['generationConfig'], {
      thinkingConfig: { includeThoughts: true, thinkingLevel: 'LOW' },
    });
  });

  test('labels and logprobs go to Vertex, the tier in the body to the Gemini API; the rest is named as lost', () => {
    const body = { metadata: { team: 'a' }, service_tier: 'flex', logprobs: true, top_logprobs: 2 };
    const gemini = fromChat(body);
    assert.equal(gemini.body['serviceTier'], 'flex');
    assert.deepEqual(gemini.lost.sort(), ['logprobs', 'metadata']);
    const vertex = fromChat(body, undefined, { flavour: 'vertex' });
    assert.deepEqual(vertex.body['labels'], { team: 'a' });
    assert.equal(vertex.body['serviceTier'], undefined);
    assert.deepEqual(vertex.body['generationConfig'], { responseLogprobs: true, logprobs: 2 });
    assert.deepEqual(vertex.lost, []);
  });

  test('what Google has no word for is named in the words of the client', () => {
    const { lost } = fromChat({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', tool_calls: [call('a', 'f'), call('b', 'f')] },
        { role: 'tool', tool_call_id: 'a', content: '1' },
        { role: 'tool', tool_call_id: 'b', content: '2' },
        {
          role: 'user',
          name: 'Bob',
          content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } }],
        },
      ],
      logit_bias: { 1: 2 },
      parallel_tool_calls: false,
      user: 'u',
      verbosity: 'low',
      store: true,
      prompt_cache_key: 'k',
    });
    assert.deepEqual(lost.sort(), [
      'logit_bias',
      'messages[4].content[0].image_url.detail',
      'messages[4].name',
      'parallel_tool_calls',
      'prompt_cache_key',
      'store',
      'user',
      'verbosity',
    ]);
  });

  test('the operator knows a model better than the table', () => {
    assert.equal(capabilitiesOf('gemini-2.5-pro').thinking, 'budget');
    assert.equal(capabilitiesOf('models/gemini-2.5-pro', { thinking: 'level' }).thinking, 'level');
    assert.equal(capabilitiesOf('my-tuned-model', { flavour: 'vertex', callIds: true }).callIds, true);
  });
});

describe('gemini: answers', () => {
  test('STOP with a function call is a tool-calls finish', () => {
    assert.deepEqual(answerOf([{ functionCall: { name: 'f', args: {} } }]).choices[0]!.finish, {
      reason: 'tool-calls',
      native: 'STOP',
    });
  });

  test('an answer that spent all its tokens on thinking is empty and ends by length', () => {
    const body = {
      candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }],
      usageMetadata: { promptTokenCount: 5, thoughtsTokenCount: 9, totalTokenCount: 14 },
    };
    const answer = codec.decodeAnswer(body);
    assert.deepEqual(answer.choices[0]!.blocks, []);
    assert.equal(answer.choices[0]!.finish?.reason, 'length');
    const completion = wire(chat.encodeAnswer(answer, answerContext));
    assert.equal((completion['choices'] as JsonObject[])[0]!['finish_reason'], 'length');
    assert.deepEqual(wire(codec.encodeAnswer(answer, answerContext)), body);
  });

  test('a blocked prompt is one choice that refuses, with its usage', () => {
    const body = {
      promptFeedback: { blockReason: 'SAFETY' },
      usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
    };
    const answer = codec.decodeAnswer(body);
    assert.deepEqual(
      answer.choices.map(({ blocks, finish }) => ({ blocks, finish })),
      [
        {
          blocks: [{ type: 'refusal', text: 'The prompt was blocked: SAFETY.' }],
          finish: { reason: 'content-filter', native: 'SAFETY' },
        },
      ],
    );
    assert.deepEqual(answer.usage, { input: 5, output: 0 });
    assert.deepEqual(wire(codec.encodeAnswer(answer, answerContext)), body);
  });

  test('every finish reason has a meaning, and an unknown one is an error', () => {
    const reason = (word: string) => answerOf([{ text: 'x' }], { finishReason: word }).choices[0]!.finish?.reason;
    assert.equal(reason('CONTINUATION'), 'length');
    assert.equal(reason('SPII'), 'content-filter');
    assert.equal(reason('MALFORMED_FUNCTION_CALL'), 'error');
    assert.equal(reason('SOMETHING_NEW'), 'error');
  });

  test('thoughts are added to the output, prompts of tools to the input, and cached tokens are inside', () => {
    const usageMetadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      toolUsePromptTokenCount: 7,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      totalTokenCount: 157,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 90 },
        { modality: 'AUDIO', tokenCount: 10 },
      ],
    };
    const answer = codec.decodeAnswer({ candidates: [], usageMetadata });
    assert.deepEqual(answer.usage, { input: 107, output: 50, cachedInput: 40, reasoning: 30, audioInput: 10 });
    assert.deepEqual(wire(codec.encodeAnswer(answer, answerContext))['usageMetadata'], usageMetadata);
  });

  test('thoughts are reasoning and several candidates are choices', () => {
    const part = (text: string) => ({
      content: { parts: [{ text: 'hm', thought: true }, { text }] },
      finishReason: 'STOP',
    });
    const answer = codec.decodeAnswer({ candidates: [part('a'), part('b')] });
    assert.deepEqual(
      answer.choices.map((choice) => choice.index),
      [0, 1],
    );
    assert.deepEqual(answer.choices[1]!.blocks, [
      { type: 'reasoning', text: 'hm', maker: 'google' },
      { type: 'text', text: 'b' },
    ]);
  });

  test('media, code and hosted tools keep their places', () => {
    const parts = [
      { executableCode: { language: 'PYTHON', code: 'print(1)' } },
      { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: 'SIG' },
      { inlineData: { mimeType: 'image/png', data: 'BBBB' }, thought: true },
    ];
    const answer = answerOf(parts);
    assert.deepEqual(
      answer.choices[0]!.blocks.map((block) => block.type),
      ['provider-item', 'provider-item', 'image', 'reasoning', 'provider-item'],
    );
    const [candidate] = wire(codec.encodeAnswer(answer, answerContext))['candidates'] as JsonObject[];
    assert.deepEqual((candidate!['content'] as JsonObject)['parts'], parts);
  });

  test('grounding becomes citations, with byte offsets as string indexes', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }],
      groundingSupports: [{ segment: { startIndex: 3, endIndex: 8, text: 'Paris' }, groundingChunkIndices: [0] }],
    };
    const [choice] = answerOf([{ text: 'Ô Paris' }], { groundingMetadata }).choices;
    assert.deepEqual(choice!.blocks[0], {
      type: 'text',
      text: 'Ô Paris',
      citations: [{ url: 'https://a.example', title: 'A', text: 'Paris', start: 2, end: 7 }],
    });
  });

  test('an answer of another dialect gets grounding, finish word, usage and head', () => {
    const body = wire(
      codec.encodeAnswer(
        {
          choices: [
            {
              index: 0,
              blocks: [
                { type: 'reasoning', text: 'hm', signature: 'CLAUDE', maker: 'anthropic' },
                { type: 'text', text: 'Ô Paris', citations: [{ url: 'https://a.example', start: 2, end: 7 }] },
                { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' },
              ],
              finish: { reason: 'tool-calls', native: 'tool_use' },
            },
          ],
          usage: { input: 10, output: 5, reasoning: 2, cachedInput: 3 },
        },
        answerContext,
      ),
    );
    assert.deepEqual(body, {
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              {
                text: 'hm',
                thought: true,
                thoughtSignature: sealedSignature({ signature: 'CLAUDE', maker: 'anthropic' }),
              },
              { text: 'Ô Paris' },
              { functionCall: { id: 'a', name: 'f', args: { x: 1 } } },
            ],
          },
          finishReason: 'STOP',
          index: 0,
          groundingMetadata: {
            groundingChunks: [{ web: { uri: 'https://a.example' } }],
            groundingSupports: [{ segment: { partIndex: 1, startIndex: 3, endIndex: 8 }, groundingChunkIndices: [0] }],
          },
        },
      ],
      usageMetadata: {
        promptTokenCount: 10,
        candidatesTokenCount: 3,
        thoughtsTokenCount: 2,
        cachedContentTokenCount: 3,
        totalTokenCount: 15,
      },
      modelVersion: 'gpt-x',
      responseId: 'req_1',
    });
  });

  test('logprobs have the shape of OpenAI chat', () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'Hi', logProbability: -0.1, tokenId: 1 }],
      topCandidates: [{ candidates: [{ token: 'Hi', logProbability: -0.1, tokenId: 1 }] }],
    };
    assert.deepEqual(answerOf([{ text: 'Hi' }], { logprobsResult }).choices[0]!.logprobs, {
      content: [
        {
          token: 'Hi',
          logprob: -0.1,
          bytes: [72, 105],
          top_logprobs: [{ token: 'Hi', logprob: -0.1, bytes: [72, 105] }],
        },
      ],
      refusal: null,
    });
  });

  test('a body that is no answer is refused', () => {
    assert.throws(() => codec.decodeAnswer({ hello: 1 }), { code: 'UP_BAD_BODY' });
  });
});

describe('gemini: streams', () => {
  const whole = [
    chunk([{ text: 'hm', thought: true }]),
    chunk([{ text: 'Hel' }]),
    chunk([{ text: 'lo' }, { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'SIG' }]),
    {
      ...chunk([{ text: '' }], { finishReason: 'STOP' }),
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
    },
  ];

  test('chunks become blocks, then finish, usage and end', () => {
    const events = decodeEvents(whole).filter((event) => event.type !== 'native');
    const at = (block: number) => ({ choice: 0, block });
    const [start, ...others] = events;
    assert.equal(start!.type, 'start');
    assert.deepEqual(
      others.map(({ ...event }) => ('carry' in event ? { ...event, carry: undefined } : event)).map(wire),
      [
        { type: 'block-start', ...at(0), head: { type: 'reasoning', maker: 'google' } },
        { type: 'reasoning', ...at(0), text: 'hm' },
        { type: 'block-end', ...at(0) },
        { type: 'block-start', ...at(1), head: { type: 'text' } },
        { type: 'text', ...at(1), text: 'Hel' },
        { type: 'text', ...at(1), text: 'lo' },
        { type: 'block-end', ...at(1) },
        { type: 'block-start', ...at(2), head: { type: 'tool-call', id: 'call_r1_0', name: 'f', maker: 'google' } },
        { type: 'arguments', ...at(2), text: '{"a":1}' },
        { type: 'signature', ...at(2), signature: 'SIG' },
        { type: 'block-end', ...at(2) },
        { type: 'block-start', ...at(3), head: { type: 'text' } },
        { type: 'text', ...at(3), text: '' },
        { type: 'block-end', ...at(3) },
        { type: 'finish', choice: 0, finish: { reason: 'tool-calls', native: 'STOP' } },
        { type: 'usage', usage: { input: 3, output: 2 } },
        { type: 'end' },
      ],
    );
  });

  test('a stream through OpenAI chat has one whole tool call and ends by tool calls', () => {
    const encoder = chat.encodeStream(answerContext);
    const text = decodeEvents(whole)
      .map((event) => encoder.event(event))
      .join('');
    assert(text.includes('"finish_reason":"tool_calls"'));
    assert(text.includes('"arguments":"{\\"a\\":1}"'));
    assert(text.includes('"content":"Hel"'));
  });

  const piece = (functionCall: JsonObject, more: JsonObject = {}) => chunk([{ functionCall }], more);
  const inPieces = [
    piece({ name: 'book', willContinue: true }),
    piece({ partialArgs: [{ jsonPath: '$.city', stringValue: 'New ', willContinue: true }], willContinue: true }),
    piece({
      partialArgs: [
        { jsonPath: '$.city', stringValue: 'Delhi' },
        { jsonPath: '$.guests[0].age', numberValue: 7 },
      ],
      willContinue: true,
    }),
    piece({
      partialArgs: [
        { jsonPath: "$.guests[0]['first name']", stringValue: 'Al' },
        { jsonPath: '$.guests[1].age', numberValue: 8.5 },
        { jsonPath: '$.late', boolValue: true },
        { jsonPath: '$.note', nullValue: 'NULL_VALUE' },
        { jsonPath: '$.__proto__.x', numberValue: 1 },
      ],
      willContinue: true,
    }),
    piece({}),
    piece({ name: 'pay', args: {} }, { finishReason: 'STOP' }),
  ];

  test('a function call that comes in pieces is put together', () => {
    const events = decodeEvents(inPieces).filter((event) => event.type !== 'native');
    const calls = events.flatMap((event) => (event.type === 'arguments' ? [event.text] : []));
    assert.deepEqual(calls, [
      '{"city":"New Delhi","guests":[{"age":7,"first name":"Al"},{"age":8.5}],"late":true,"note":null,"__proto__":{"x":1}}',
      '{}',
    ]);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'block-start' ? [event.head] : [])),
      [
        { type: 'tool-call', id: 'call_r1_0', name: 'book', maker: 'google' },
        { type: 'tool-call', id: 'call_r1_1', name: 'pay', maker: 'google' },
      ],
    );
    assert.equal(({} as { x?: number }).x, undefined);
  });

  test('a function call in pieces stays in pieces for a client of this format', () => {
    const encoder = codec.encodeStream(answerContext);
    const text = decodeEvents(inPieces)
      .map((event) => encoder.event(event))
      .join('');
    const records = text
      .split('\n\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line.slice(6)) as JsonObject);
    assert.deepEqual(records, inPieces);
  });

  test('a function call whose last piece never comes is ended with the answer', () => {
    const events = decodeEvents([...inPieces.slice(0, 2), chunk([{ text: '' }], { finishReason: 'MAX_TOKENS' })]);
    assert.deepEqual(
      events.filter(({ type }) => type === 'arguments').map((event) => 'text' in event && event.text),
      ['{"city":"New "}'],
    );
  });

  test('a stream without a finish reason is cut', () => {
    assert.throws(() => decodeEvents(whole.slice(0, 2)), { code: 'UP_STREAM_CUT' });
    assert.throws(() => decodeEvents([]), { code: 'UP_STREAM_CUT' });
  });

  test('an error inside a stream is thrown with its status', () => {
    const error = {
      error: {
        code: 429,
        message: 'Slow down',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'x/google.rpc.RetryInfo', retryDelay: '34s' }],
      },
    };
    for (const data of [error, [error]]) {
      assert.throws(() => codec.decodeStream().event({ data: JSON.stringify(data) }, () => {}), {
        code: 'UP_STREAM_ERROR',
        status: 429,
        message: 'Slow down',
        retryAfterMs: 34_000,
      });
    }
  });

  test('a blocked prompt in a stream is a refusal', () => {
    const body = {
      promptFeedback: { blockReason: 'SAFETY' },
      usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
      modelVersion: 'g',
    };
    const events = decodeEvents([body]);
    assert(events.some((event) => event.type === 'block-start' && event.head.type === 'refusal'));
    assert.deepEqual(events.find((event) => event.type === 'finish')?.finish, {
      reason: 'content-filter',
      native: 'SAFETY',
    });
    assert.deepEqual(encodeEvents(events), [body]);
  });

  const at = { choice: 0, block: 0 };
  const foreign: AnswerEvent[] = [
    { type: 'start', id: 'x', model: 'claude' },
    { type: 'block-start', ...at, head: { type: 'text' } },
    { type: 'text', ...at, text: 'Hi' },
    { type: 'block-end', ...at },
    { type: 'block-start', choice: 0, block: 1, head: { type: 'tool-call', id: 'a', name: 'f' } },
    { type: 'block-start', choice: 0, block: 2, head: { type: 'tool-call', id: 'b', name: 'g' } },
    { type: 'arguments', choice: 0, block: 1, text: '{"x"' },
    { type: 'arguments', choice: 0, block: 2, text: '{}' },
    { type: 'arguments', choice: 0, block: 1, text: ':1}' },
    { type: 'block-end', choice: 0, block: 1 },
    { type: 'block-end', choice: 0, block: 2 },
    { type: 'finish', choice: 0, finish: { reason: 'tool-calls', native: 'tool_use' } },
    { type: 'usage', usage: { input: 4, output: 3 } },
    { type: 'end' },
  ];

  test('function calls of other dialects are written whole, and usage stands with the finish in the last chunk', () => {
    const head = { modelVersion: 'claude', responseId: 'x' };
    const one = (part: JsonObject) => ({
      candidates: [{ content: { parts: [part], role: 'model' }, index: 0 }],
      ...head,
    });
    assert.deepEqual(encodeEvents(foreign), [
      one({ text: 'Hi' }),
      one({ functionCall: { name: 'f', id: 'a', args: { x: 1 } } }),
      one({ functionCall: { name: 'g', id: 'b', args: {} } }),
      {
        candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
        usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 3, totalTokenCount: 7 },
        ...head,
      },
    ]);
  });

  test("the chunks are records without names or [DONE] that Google's SDK reads", async () => {
    const encoder = codec.encodeStream(answerContext);
    const text = foreign.map((event) => encoder.event(event)).join('');
    assert(!text.includes('event:') && !text.includes('[DONE]'));
    const read = await readWithSdk(text);
    assert.equal(read.map((response) => response.text ?? '').join(''), 'Hi');
    assert.deepEqual(
      read.flatMap((response) => response.functionCalls ?? []),
      [
        { id: 'a', name: 'f', args: { x: 1 } },
        { id: 'b', name: 'g', args: {} },
      ],
    );
    assert.equal(read.at(-1)!.usageMetadata?.totalTokenCount, 7);
    assert.equal(read.at(-1)!.candidates?.[0]?.finishReason, 'STOP');
  });
});

async function readWithSdk(text: string) {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${port}` } });
    const stream = await client.models.generateContentStream({ model: 'gemini-x', contents: 'Hi' });
    const chunks = [];
    for await (const response of stream) chunks.push(response);
    return chunks;
  } finally {
    server.close();
  }
}

describe('gemini: meter', () => {
  const read = (data: JsonValue) => google.meter.stream()({ data: JSON.stringify(data) });

  test('events are preamble, content, done or error', () => {
    assert.equal(read(chunk([{ text: '' }])).kind, 'preamble');
    assert.equal(read({ usageMetadata: { promptTokenCount: 1 } }).kind, 'preamble');
    assert.equal(read(chunk([{ text: 'a' }])).kind, 'content');
    assert.equal(read(chunk([{ functionCall: { name: 'f' } }])).kind, 'content');
    assert.deepEqual(
      read({ ...chunk([{ text: 'a' }], { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 1 } }),
      {
        kind: 'done',
        usage: { input: 1, output: 0 },
        finish: 'STOP',
      },
    );
    assert.deepEqual(read({ error: { code: 503, message: 'Busy', status: 'UNAVAILABLE' } }), {
      kind: 'error',
      problem: { status: 503, message: 'Busy', type: 'UNAVAILABLE' },
    });
  });

  test('text that looks like usage is not taken for it', () => {
    const text = '"usageMetadata": {"promptTokenCount": 999} "finishReason": "NO"';
    const reading = google.meter.json(
      Buffer.from(
        JSON.stringify({ usageMetadata: { promptTokenCount: 2 }, ...chunk([{ text }], { finishReason: 'STOP' }) }),
      ),
    );
    assert.deepEqual(reading, { usage: { input: 2, output: 0 }, finish: 'STOP', model: 'gemini-x' });
  });

  test('quotes and braces in the strings of the usage object do not end it', () => {
    const usageMetadata = { trafficType: '}"}', promptTokenCount: 2 };
    const reading = google.meter.json(Buffer.from(JSON.stringify({ usageMetadata, responseId: 'r' })));
    assert.deepEqual(reading.usage, { input: 2, output: 0 });
  });

  test('embeddings, token counts and predictions are counted', { skip: recordingsMissing }, () => {
    const counts = [...recordings('gemini'), ...recordings('vertex')].flatMap(({ interactions }) =>
      interactions
        .filter(
          ({ request, response }) =>
            /(mbedContents?|countTokens|predict)$/.test(request.url.split('?')[0]!) && response.status === 200,
        )
        .map(
          ({ response }) =>
            google.meter.json(Buffer.from(response.bodyText ?? JSON.stringify(response.body))).usage?.input,
        ),
    );
    assert(counts.length >= 12);
    assert(counts.some((count) => count !== undefined && count > 0));
  });

  test('a token count and predictions are added up', () => {
    assert.deepEqual(google.meter.json(Buffer.from('{"totalTokens": 31, "promptTokensDetails": []}')).usage, {
      input: 31,
      output: 0,
    });
    const predictions = [1, 2].map((token_count) => ({
      embeddings: { values: [0.5], statistics: { token_count, truncated: false } },
    }));
    assert.deepEqual(google.meter.json(Buffer.from(JSON.stringify({ predictions }))).usage, { input: 3, output: 0 });
  });

  test('an error body is a problem', () => {
    const { problem } = google.meter.json(Buffer.from('[{"error":{"code":404,"message":"No","status":"NOT_FOUND"}}]'));
    assert.deepEqual(problem, { status: 404, message: 'No', type: 'NOT_FOUND' });
  });
});
