import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Outcome } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, plugin } from './chat-gateway.ts';

const question = JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content: 'hi' }] });

function post(url: string, body: Buffer | string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as never,
  });
}

for (const [encoding, encode] of [
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
] as const) {
  test(`a body that was decoded from ${encoding} goes on without saying that it is encoded`, async () => {
    await using gateway = await chatGateway();
    const reply = await post(gateway.url, encode(question), { 'content-encoding': encoding });
    assert.equal(reply.status, 200);
    const [seen] = gateway.upstream.requests;
    assert.equal(seen!.body.toString(), question);
    assert.equal(seen!.headers['content-encoding'], undefined);
    assert.equal(seen!.headers['content-length'], String(question.length));
  });
}

for (const encoding of ['constructor', 'compress', '__proto__', 'gzip, gzip']) {
  test(`a body in the encoding ${encoding} is refused with 415`, async () => {
    await using gateway = await chatGateway();
    const reply = await post(gateway.url, question, { 'content-encoding': encoding });
    assert.equal(reply.status, 415);
    assert.equal(gateway.upstream.requests.length, 0);
  });
}

test('a reply in an encoding that no one knows is passed on', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.reply({
    body: question,
    headers: { 'content-type': 'application/json', 'content-encoding': 'constructor' },
  });
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: question,
  });
  assert.equal(reply.status, 200);
});

for (const [body, reason] of [
  ['[]', 'it does not begin with {'],
  [' "text"', 'it does not begin with {'],
  ['{"model": }', 'invalid at byte 10'],
  ['{"model": "gpt"', 'incomplete at byte 15'],
] as const) {
  test(`a client that sends ${body} learns why it is not what is wanted`, async () => {
    await using gateway = await chatGateway();
    const reply = await post(gateway.url, body, {});
    assert.equal(reply.status, 400);
    const { error } = (await reply.json()) as { error: { message: string } };
    assert.equal(error.message, `The request body cannot be read as a JSON object: ${reason}.`);
  });
}

test('the depth that server.limits.jsonDepth allows is the depth that is accepted', async () => {
  await using gateway = await chatGateway({}, { server: { limits: { jsonDepth: 5 } } });
  const nested = (levels: number): string =>
    `{"model":"gpt","messages":[],"x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  assert.equal((await post(gateway.url, nested(4), {})).status, 200);
  const refused = await post(gateway.url, nested(5), {});
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /deeper than 5 levels/);
});

test('bytes out are bytes, not characters', async () => {
  const outcomes: Outcome[] = [];
  const watcher = plugin('watcher', { hooks: { postLog: (_exchange, outcome) => void outcomes.push(outcome) } });
  const answering = plugin('answering', {
    hooks: {
      preRoute: () => ({
        origin: 'gateway',
        status: 200,
        headers: ['content-type', 'application/json'],
        body: { type: 'bytes', bytes: '"ж"' },
      }),
    },
  });
  await using gateway = await chatGateway({ watcher, answering });
  await (await post(gateway.url, question, {})).text();
  assert.equal(outcomes[0]!.bytesOut, 4);
});

test('a call from a web page of another site is refused unless the config allows it', async () => {
  const crossSite = { 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' };
  await using gateway = await chatGateway();
  const refused = await ask(gateway, {}, crossSite);
  assert.equal(refused.status, 403);
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'cross_site_request');
  assert.equal(gateway.upstream.requests.length, 0);
  await using open = await chatGateway({}, { server: { allowCrossSite: true } });
  assert.equal((await ask(open, {}, crossSite)).status, 200);
});

test('pages of other sites can really call a gateway that allows them: browsers get the answers that they ask for', async () => {
  await using open = await chatGateway({}, { server: { allowCrossSite: true } });
  const origin = 'https://app.example';
  const asked = await fetch(`${open.url}/v1/chat/completions`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get('access-control-allow-origin'), '*');
  assert.equal(asked.headers.get('access-control-allow-methods'), 'POST');
  assert.equal(asked.headers.get('access-control-allow-headers'), 'authorization,content-type');
  for (const stream of [false, true]) {
    const reply = await ask(open, { stream }, { origin });
    await reply.text();
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('access-control-allow-origin'), '*');
    assert.ok(reply.headers.has('x-request-id'));
  }
  assert.equal((await ask(open, {})).headers.has('access-control-allow-origin'), false);
  await using closed = await chatGateway({});
  assert.equal((await ask(closed, {}, { origin })).headers.has('access-control-allow-origin'), false);
});
