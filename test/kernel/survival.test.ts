import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { openai } from '../../plugin-sdk/dialects/index.ts';
import { definePlugin, GatewayError, type PluginDefinition, type PluginInstance } from '../../plugin-sdk/index.ts';
import anthropic from '../../providers/anthropic/index.ts';
import { ask, type ChatGateway, chatGateway, chunk, plugin, streamed } from './chat-gateway.ts';

const uploads = definePlugin({
  name: 'upload-route',
  options: z.strictObject({}),
  setup: () => ({
    routes: [
      {
        type: 'exchange',
        method: 'POST',
        path: '/v1/files',
        strip: '/v1',
        dialect: openai,
        operation: 'files',
        defaultProvider: 'up',
      },
    ],
  }),
}) as unknown as PluginDefinition;

/** Sends the start of an upload that is too large to be held. */
function startUpload(gateway: ChatGateway) {
  const client = httpRequest(`${gateway.url}/v1/files`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/octet-stream', 'content-length': 8_000_000 },
  });
  client.on('error', () => {});
  client.write(Buffer.alloc(70_000));
  return client;
}

/** Options of a provider at the gateway's upstream. */
function pointed(gateway: ChatGateway, use?: string): Record<string, unknown> {
  return { ...(use === undefined ? {} : { use }), ...gateway.upstream.provider() };
}

/** The start of an answer as Anthropic streams it. */
function said(...texts: string[]): string[] {
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content: [],
    usage: { input_tokens: 1, output_tokens: 0 },
  };
  return [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...texts.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

async function stillServes(gateway: ChatGateway): Promise<void> {
  await sleep(50);
  const reply = await ask(gateway, {});
  assert.equal(reply.status, 200);
  await reply.arrayBuffer();
  assert.equal(gateway.gateway.current.open, 0, 'every exchange is settled');
}

test('an upload that a plugin refuses before anyone reads it does no harm', async () => {
  const refusing = plugin('refusing', {
    hooks: {
      preRoute: (exchange) => {
        if (exchange.operation === 'files') throw new GatewayError('REQ_INVALID', { reason: 'No.' });
      },
    },
  });
  await using gateway = await chatGateway({ uploads, refusing });
  const client = startUpload(gateway);
  const status = await new Promise((resolve) => client.on('response', (reply) => resolve(reply.resume().statusCode)));
  assert.equal(status, 400);
  client.destroy();
  await stillServes(gateway);
});

test('a client that leaves in its upload before anyone reads it does no harm', async () => {
  const slow = plugin('slow', {
    hooks: {
      preRoute: async (exchange) => {
        if (exchange.operation === 'files') await sleep(100);
        return undefined;
      },
    },
  });
  await using gateway = await chatGateway({ uploads, slow });
  const client = startUpload(gateway);
  await sleep(50);
  client.destroy();
  await sleep(150);
  await stillServes(gateway);
});

test('a reply header with a name that HTTP does not allow fails its exchange and names the plugin', async () => {
  const odd = plugin('odd', {
    hooks: {
      preRoute: (exchange) => {
        if (exchange.request.headers.has('x-odd')) exchange.setReplyHeader('not a name', 'x');
      },
    },
  });
  await using gateway = await chatGateway({ odd });
  const reply = await ask(gateway, {}, { 'x-odd': '1' });
  assert.equal(reply.status, 500);
  assert.match(await reply.text(), /odd/);
  await stillServes(gateway);
});

test('a provider may have a name that is no ASCII', async () => {
  await using gateway = await chatGateway();
  await gateway.reload({
    plugins: { 'chat-route': {}, up: pointed(gateway, 'chat-provider'), поставщик: pointed(gateway, 'chat-provider') },
  });
  const reply = await ask(gateway, { model: 'поставщик/gpt' });
  assert.equal(reply.status, 200);
});

test('an event that is larger than any may be ends its stream with an error, and nothing else', async () => {
  await using gateway = await chatGateway();
  const huge = `data: ${JSON.stringify(chunk({ content: 'x'.repeat(9_000_000) }))}\n\n`;
  gateway.upstream.reply({ events: [huge] });
  const early = await ask(gateway, { stream: true });
  assert.equal(early.status, 502);
  assert.match(await early.text(), /larger than/);
  gateway.upstream.reply({ events: [chunk({ content: 'a' }), huge] });
  const late = await ask(gateway, { stream: true });
  const text = await late.text();
  assert.match(text, /\n\ndata: \{"error":[^\n]*larger than[^\n]*\n\n$/);
  assert.ok(text.length < 1_000_000);
  await stillServes(gateway);
});

for (const [what, body] of [
  ['a body of no known type', { type: 'json', json: {} }],
  ['bytes that are none', { type: 'bytes' }],
  ['a flow that is none', { type: 'flow', events: false }],
] as const) {
  for (const hook of ['preRoute', 'execute'] as const) {
    test(`${hook} that answers with ${what} is named, and nobody waits`, async () => {
      const odd = plugin('odd', {
        hooks: { [hook]: () => ({ origin: 'gateway', status: 200, headers: [], body }) },
      } as unknown as PluginInstance);
      await using gateway = await chatGateway({ odd });
      const reply = await ask(gateway, {}, {}, AbortSignal.timeout(2_000));
      assert.equal(reply.status, 500);
      assert.match(await reply.text(), /odd returned a wrong value/);
    });
  }
}

for (const way of ['carried', 'translated'] as const) {
  test(`a transform that throws at the first event of a ${way} stream is told before anything is sent, and the upstream stops`, async () => {
    const throwing = plugin('throwing', {
      hooks: {
        transformResponse: {
          json: () => undefined,
          stream: () => ({
            event: () => {
              throw new Error('no');
            },
          }),
        },
      },
    });
    await using gateway = await chatGateway({ throwing, 'providers/anthropic': anthropic });
    await gateway.reload({
      plugins: {
        'chat-route': {},
        throwing: {},
        up: pointed(gateway, 'chat-provider'),
        'providers/anthropic': pointed(gateway),
      },
    });
    const events = way === 'carried' ? streamed('a', 'b') : said('a', 'b');
    gateway.upstream.reply({ events, chunkDelayMs: 20, fault: 'stall' });
    const reply = await ask(gateway, { stream: true, model: way === 'carried' ? 'gpt' : 'anthropic/claude' });
    assert.equal(reply.status, 500);
    assert.match(await reply.text(), /^\{"error":[^\n]*throwing[^\n]*\}$/);
    await gateway.upstream.requests[0]!.closed;
    await sleep(20);
    assert.equal(gateway.gateway.current.open, 0);
  });
}

test('a transform that fails to be made stops the upstream stream', async () => {
  const throwing = plugin('throwing', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => {
          throw new Error('no');
        },
      },
    },
  });
  await using gateway = await chatGateway({ throwing });
  gateway.upstream.reply({ events: [chunk({ content: 'a' })], fault: 'stall' });
  const reply = await ask(gateway, { stream: true });
  assert.equal(reply.status, 500);
  await Promise.race([
    gateway.upstream.requests[0]!.closed,
    sleep(500).then(() => assert.fail('the upstream call still runs')),
  ]);
});

test('a stream that fails before its content leaves no connection behind', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.reply({
    events: [`data: {"error":{"message":"overloaded","type":"server_error"}}\n\n`],
    fault: 'stall',
  });
  const reply = await ask(gateway, { stream: true });
  assert.ok(reply.status >= 400);
  await Promise.race([
    gateway.upstream.requests[0]!.closed,
    sleep(500).then(() => assert.fail('the upstream call still runs')),
  ]);
});
