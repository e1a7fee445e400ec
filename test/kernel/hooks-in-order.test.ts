import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin, defineSlot, type Outcome, type PluginDefinition } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, completion, plugin, streamed } from './chat-gateway.ts';

test('an exchange passes the six hooks in order, and postLog comes once, last', async () => {
  const steps: string[] = [];
  const watcher = plugin('watcher', {
    hooks: {
      preRoute: (exchange) => {
        exchange.defer(() => steps.push('deferred'));
        steps.push('preRoute');
      },
      transformRequest: () => void steps.push('transformRequest'),
      selectKey: () => void steps.push('selectKey'),
      execute: () => void steps.push('execute'),
      transformResponse: { json: () => void steps.push('transformResponse'), stream: () => undefined },
      postLog: () => void steps.push('postLog'),
    },
  });
  await using gateway = await chatGateway({ watcher });
  await (await ask(gateway, {})).text();
  assert.deepEqual(steps, [
    'preRoute',
    'transformRequest',
    'selectKey',
    'execute',
    'transformResponse',
    'deferred',
    'postLog',
  ]);
});

test('a plugin may answer before routing, and its answer skips the provider', async () => {
  const cache = plugin('cache', {
    hooks: {
      preRoute: () => ({
        origin: 'gateway',
        status: 200,
        headers: ['content-type', 'application/json'],
        body: { type: 'bytes', bytes: '{"hit":true}' },
      }),
    },
  });
  await using gateway = await chatGateway({ cache });
  assert.deepEqual(await (await ask(gateway, {})).json(), { hit: true });
  assert.equal(gateway.upstream.requests.length, 0);
});

test('transformRequest edits the bytes and leaves the rest exact', async () => {
  const edit = plugin('edit', {
    hooks: {
      transformRequest: (request) =>
        request.body.kind === 'bytes'
          ? request.with({ body: request.body.edit(['messages', 0, 'content'], 'changed') })
          : undefined,
    },
  });
  await using gateway = await chatGateway({ edit });
  const sent = '{ "model" : "gpt",\n "messages":[ {"role":"user","content":"hi" , "x":1.0} ],"unknown":{"b":1,"a":2} }';
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: sent,
  });
  await reply.text();
  assert.equal(gateway.upstream.requests[0]?.body.toString(), sent.replace('"hi"', '"changed"'));
});

test('a response transform that changes the answer works on carried JSON and on carried streams alike', async () => {
  const shout = plugin('shout', {
    hooks: {
      transformResponse: {
        json: (reply) => {
          const choices = reply.answer!.choices.map((choice) => ({
            ...choice,
            blocks: choice.blocks.map((block) =>
              block.type === 'text' ? { ...block, text: block.text.toUpperCase() } : block,
            ),
          }));
          return { ...reply, answer: { ...reply.answer!, choices } };
        },
        stream: () => ({
          event: (event, emit) => emit(event.type === 'text' ? { ...event, text: event.text.toUpperCase() } : event),
        }),
      },
    },
  });
  await using gateway = await chatGateway({ shout });
  const json = (await (await ask(gateway, {})).json()) as { choices: { message: { content: string } }[] };
  assert.equal(json.choices[0]?.message.content, 'HELLO');
  gateway.upstream.always({ events: streamed('he', 'llo') });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /"HE"[\s\S]*"LLO"[\s\S]*\[DONE\]/);
});

test('a transform that only looks leaves the provider bytes exact', async () => {
  const look = plugin('look', {
    hooks: { transformResponse: { json: (reply) => void reply.answer, stream: () => undefined } },
  });
  await using gateway = await chatGateway({ look });
  const body = ` ${JSON.stringify(completion('x'))}\n`;
  gateway.upstream.always({ body, headers: { 'content-type': 'application/json' } });
  assert.equal(await (await ask(gateway, {})).text(), body);
});

test('an observer of a stream sees typed events while the client gets the provider bytes exactly', async () => {
  const seen: string[] = [];
  const watch = plugin('watch', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => ({
          observes: true,
          event: (event) => void seen.push(event.type === 'text' ? event.text : event.type),
        }),
      },
    },
  });
  await using gateway = await chatGateway({ watch });
  const odd = (word: string) =>
    `data:  { "choices" : [ {"index":0,"delta":{"content":${JSON.stringify(word)}},"x":1.0} ] }\r\n\r\n`;
  const events = [odd('he'), odd('llo'), ...streamed().slice(-2)];
  gateway.upstream.always({ events });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.equal(
    text,
    events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`)).join(''),
  );
  assert.deepEqual(
    seen.filter((step) => step === 'he' || step === 'llo' || step === 'end'),
    ['he', 'llo', 'end'],
  );
});

test('order pre and post put a handler before and after the rest of its hook', async () => {
  const seen: string[] = [];
  const at = (name: string, order?: 'pre' | 'post'): PluginDefinition =>
    plugin(name, {
      hooks: {
        preRoute: order === undefined ? () => void seen.push(name) : { order, handler: () => void seen.push(name) },
      },
    });
  await using gateway = await chatGateway({
    last: at('last', 'post'),
    middle: at('middle'),
    first: at('first', 'pre'),
  });
  await (await ask(gateway, {})).text();
  assert.deepEqual(seen, ['first', 'middle', 'last']);
});

test('slots carry state from one plugin to another', async () => {
  const slot = defineSlot<{ tier: string }>('tier');
  const owner = plugin('owner', { hooks: { preRoute: (exchange) => exchange.set(slot, { tier: 'gold' }) } });
  const reader = definePlugin({
    name: 'reader',
    options: z.strictObject({}),
    after: ['owner'],
    setup: () => ({
      hooks: { preRoute: (exchange) => exchange.setReplyHeader('x-tier', exchange.get(slot)?.tier ?? 'none') },
    }),
  }) as unknown as PluginDefinition;
  await using gateway = await chatGateway({ reader, owner });
  assert.equal((await ask(gateway, {})).headers.get('x-tier'), 'gold');
});

test('the outcome holds usage, status, attempts and times', async () => {
  const outcomes: Outcome[] = [];
  const log = plugin('log', { hooks: { postLog: (_exchange, outcome) => void outcomes.push(outcome) } });
  await using gateway = await chatGateway({ log });
  await (await ask(gateway, {})).text();
  const [outcome] = outcomes;
  assert.equal(outcome?.status, 200);
  assert.equal(outcome?.usage?.input, 3);
  assert.equal(outcome?.usage?.output, 2);
  assert.equal(outcome?.attempts.length, 1);
  assert.equal(outcome?.attempts[0]?.result, 'ok');
  assert.equal(outcome?.attempts[0]?.key, 'main');
  assert.ok((outcome?.durationMs ?? 0) > 0);
});

test('a setup that fails takes down in reverse what was up, and the start fails naming the plugin', async () => {
  const steps: string[] = [];
  const good = (name: string): PluginDefinition =>
    definePlugin({
      name,
      options: z.strictObject({}),
      setup: () => ({ teardown: () => void steps.push(`${name} down`) }),
    }) as never;
  const bad = definePlugin({
    name: 'bad',
    options: z.strictObject({}),
    setup: () => {
      throw new Error('no disk');
    },
  }) as never;
  await assert.rejects(chatGateway({ a: good('a'), b: good('b'), bad }), {
    code: 'PLUGIN_SETUP_FAILED',
    message: /bad did not set up: no disk/,
  });
  assert.deepEqual(steps, ['b down', 'a down']);
});

test('a decision record is shown to operators only', async () => {
  await using gateway = await chatGateway({
    noter: plugin('noter', { hooks: { preRoute: (exchange) => exchange.note('noter', 'looked') } }),
  });
  const asked = { 'x-bf-explain': 'true' };
  assert.equal((await ask(gateway, {}, asked)).headers.get('x-bf-explain'), null);
  const shown = (await ask(gateway, {}, { ...asked, 'x-bf-admin-token': gateway.adminToken })).headers.get(
    'x-bf-explain',
  );
  const record = JSON.parse(shown ?? '{}') as {
    decisions: { by: string; what: string }[];
    hooks: { plugin: string }[];
  };
  assert.ok(record.decisions.some(({ by, what }) => by === 'noter' && what === 'looked'));
  assert.ok(record.hooks.some(({ plugin: name }) => name === 'noter'));
});
