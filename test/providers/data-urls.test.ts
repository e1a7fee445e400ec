import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const pdf = 'data:application/pdf;filename=generated.pdf;base64,JVBERi0xLjQK';
const png = 'data:image/png;charset=utf-8;base64,iVBORw0KGgo=';

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, output_tokens: 2 },
};
const generated = { candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }] };
const inline = (mimeType: string, data: string) => ({ inlineData: { mimeType, data } });
const source = (media_type: string, data: string) => ({ type: 'base64', media_type, data });

/** What the provider gets for a picture and a PDF, from a chat and from a response. */
async function sentFor(gateway: ProviderGateway, model: string, reply: object): Promise<unknown[]> {
  gateway.upstream.always({ json: reply });
  await gateway.client.chat.completions.create({
    model,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: png } },
          { type: 'file', file: { filename: 'a.pdf', file_data: pdf } },
        ],
      },
    ],
  });
  const ofChat = gateway.last().json;
  await gateway.client.responses.create({
    model,
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_image', detail: 'auto', image_url: png },
          { type: 'input_file', filename: 'a.pdf', file_data: pdf },
        ],
      },
    ],
  });
  return [ofChat, gateway.last().json];
}

suite('data URLs with parameters', () => {
  test('reach Gemini as the media that they hold', async () => {
    await using gateway = await providerGateway('providers/gemini');
    const parts = [inline('image/png', 'iVBORw0KGgo='), inline('application/pdf', 'JVBERi0xLjQK')];
    for (const body of await sentFor(gateway, 'gemini/gemini-3-flash', generated)) {
      assert.deepEqual((body as { contents: unknown }).contents, [{ role: 'user', parts }]);
    }
  });

  test('reach Claude as the media that they hold', async () => {
    await using gateway = await providerGateway('providers/anthropic');
    const content = [
      { type: 'image', source: source('image/png', 'iVBORw0KGgo=') },
      { type: 'document', source: source('application/pdf', 'JVBERi0xLjQK'), title: 'a.pdf' },
    ];
    for (const body of await sentFor(gateway, 'anthropic/claude-sonnet-4-5', message)) {
      assert.deepEqual((body as { messages: unknown }).messages, [{ role: 'user', content }]);
    }
  });
});

for (const [how, model, reply, sent] of [
  ['Gemini', 'gemini/gemini-3-flash', generated, inline('application/pdf', 'JVBERi0xLjQK')],
  [
    'Claude',
    'anthropic/claude-sonnet-4-5',
    message,
    { type: 'document', source: source('application/pdf', 'JVBERi0xLjQK'), title: 'a.pdf' },
  ],
] as const) {
  test(`a file as base64 alone reaches ${how} as what its name says`, async () => {
    await using gateway = await providerGateway(`providers/${model.split('/')[0]}`);
    gateway.upstream.always({ json: reply });
    const file = { filename: 'a.pdf', file_data: 'JVBERi0xLjQK' };
    await gateway.client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: [{ type: 'file', file }] }],
    });
    assert.ok(JSON.stringify(gateway.last().json).includes(JSON.stringify(sent)));
    await gateway.client.responses.create({
      model,
      input: [{ role: 'user', content: [{ type: 'input_file', ...file }] }],
    });
    assert.ok(JSON.stringify(gateway.last().json).includes(JSON.stringify(sent)));
  });
}
