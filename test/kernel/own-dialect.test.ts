import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { type Dialect, defineProvider, locate } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, streamed } from './chat-gateway.ts';

const said = '{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hello"}}]}';

/** Like chat, but that a request is wrapped, so that one which is carried by mistake shows. */
const ownDialect: Dialect = {
  ...openaiChat,
  id: 'own.chat',
  chat: {
    ...openaiChat.chat!,
    encodeRequest: (conversation, context) => ({ wrapped: openaiChat.chat!.encodeRequest(conversation, context) }),
  },
};

const speaking = defineProvider({
  name: 'speaking',
  provider: ({ baseUrl }) => ({
    speaks: { chat: [ownDialect] },
    endpoint: () => ({ ...locate(baseUrl, '/own'), headers: [] }),
  }),
});

test('a call is translated to the wire format that a plugin brought, and its answer back', async () => {
  await using gateway = await chatGateway({}, { definitions: { speaking } });
  await gateway.reload({
    plugins: { 'chat-route': {}, up: { use: 'speaking', ...gateway.upstream.provider() } },
  });
  gateway.upstream.reply({ json: JSON.parse(said) });
  assert.match(await (await ask(gateway, {})).text(), /"content":"hello"/);
  gateway.upstream.reply({ events: streamed('hello') });
  assert.match(await (await ask(gateway, { stream: true })).text(), /hello.*\[DONE\]/s);
  for (const { url, body } of gateway.upstream.requests) {
    assert.equal(url, '/own');
    assert.match(String(body), /^\{"wrapped":\{/);
  }
});
