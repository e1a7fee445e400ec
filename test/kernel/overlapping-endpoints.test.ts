import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import type { ExchangeRoute, HandlerRoute } from '../../plugin-sdk/index.ts';
import { chatGateway, completion, plugin } from './chat-gateway.ts';

const exchange = (path: string): ExchangeRoute => ({
  type: 'exchange',
  method: 'POST',
  path,
  strip: '/own',
  dialect: openaiChat,
  operation: 'chat',
  defaultProvider: 'up',
  resolve: () => ({ path: path.replaceAll('/', '-').replace(/\{.+\}/, '') }),
});
const handler = (path: string): HandlerRoute => ({
  type: 'handler',
  method: 'GET',
  path,
  guard: { public: true },
  handler: () => Response.json({ handler: path }),
});
const wide = plugin('wide', { routes: [exchange('/own/*'), { ...exchange('/own/*'), method: 'GET' }] });

for (const [order, ids] of [
  ['first', ['narrow', 'wide']],
  ['last', ['wide', 'narrow']],
] as const) {
  test(`an endpoint beneath another one's wildcard serves its path, once, when it is declared ${order}`, async () => {
    const narrow = plugin('narrow', {
      routes: [
        exchange('/own/:name'),
        exchange('/own/deep/:rest{.*end}'),
        exchange('/own/chat'),
        handler('/own/status'),
        handler('/own/status/:id'),
      ],
    });
    const plugins = { narrow, wide };
    await using gateway = await chatGateway(Object.fromEntries(ids.map((id) => [id, plugins[id]])));
    const reach = async (path: string, method = 'POST'): Promise<string> => {
      gateway.upstream.always({ json: completion('hello') });
      const body = method === 'GET' ? null : JSON.stringify({ model: 'gpt', messages: [] });
      const headers = { 'content-type': 'application/json' };
      const before = gateway.upstream.requests.length;
      const reply = (await (await fetch(gateway.url + path, { method, body, headers })).json()) as { handler?: string };
      assert.ok(gateway.upstream.requests.length - before <= 1);
      return reply.handler ?? gateway.upstream.requests.at(-1)!.url;
    };
    assert.equal(await reach('/own/chat'), '/v1-own-chat');
    assert.equal(await reach('/own/chat?again=1'), '/v1-own-chat?again=1');
    assert.equal(await reach('/own/other'), '/v1-own-:name');
    assert.equal(await reach('/own/a/b'), '/v1-own-*');
    assert.equal(await reach('/own/deep/a/end'), '/v1-own-deep-:rest');
    assert.equal(await reach('/own/status', 'GET'), '/own/status');
    assert.equal(await reach('/own/status/7', 'GET'), '/own/status/:id');
    assert.equal(await reach('/own/elsewhere', 'GET'), '/v1-own-*');
    assert.equal(await reach('/own/status'), '/v1-own-:name');
  });
}
