import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { passthroughGateway, rawCall } from './passthrough-gateway.ts';

const asked = '/v1/files/f/content';

interface Case {
  readonly what: string;
  readonly mount: string;
  readonly asked?: string;
  /** Entry of the provider in the config; `url` is where the upstream is. */
  readonly entry: (url: string) => Record<string, unknown>;
  readonly id: string;
  /** Where the provider leads, beneath its origin. */
  readonly location: string;
  /** What the client sees behind the mount. */
  readonly shown: string;
}

const keys = [{ name: 'main', value: 'sk-upstream' }];
const at = (path: string) => (url: string) => ({ baseUrl: url + path, keys });
const openai = { id: 'providers/openai', mount: '/openai_passthrough' };
const anthropic = { id: 'providers/anthropic', mount: '/anthropic_passthrough' };
const gemini = { id: 'providers/gemini', mount: '/genai_passthrough' };

const cases: readonly Case[] = [
  { ...openai, what: 'no path', entry: at(''), location: '/v1/files/x?a=1', shown: '/v1/files/x?a=1' },
  { ...openai, what: 'a path', entry: at('/Proxy/oai'), location: '/Proxy/oai/v1/files/x', shown: '/v1/files/x' },
  {
    ...openai,
    what: 'a path, for a client that leaves out the version',
    asked: '/files/f/content',
    entry: at('/Proxy/oai'),
    location: '/Proxy/oai/v1/files/x',
    shown: '/v1/files/x',
  },
  {
    ...openai,
    what: 'a path with the version',
    entry: at('/Proxy/oai/v1'),
    location: '/Proxy/oai/v1/files/x',
    shown: '/files/x',
  },
  {
    ...openai,
    what: 'a scheme in capitals',
    entry: (url: string) => at('/Proxy')(url.replace('http:', 'HTTP:')),
    location: '/Proxy/v1/files/x',
    shown: '/v1/files/x',
  },
  {
    ...anthropic,
    what: 'a path with the version, which its clients write too',
    entry: at('/Proxy/v1'),
    location: '/Proxy/v1/files/x',
    shown: '/v1/files/x',
  },
  {
    ...gemini,
    what: 'a path with the version, which its clients write too',
    asked: '/v1beta/files',
    entry: at('/v1beta'),
    location: '/upload/v1beta/files?upload_id=1',
    shown: '/upload/v1beta/files?upload_id=1',
  },
  {
    id: 'providers/azure',
    mount: '/azure_passthrough',
    what: 'a path in the address of its key',
    asked: '/openai/v1/jobs',
    entry: (url: string) => ({ keys: [{ ...keys[0], endpoint: `${url}/Proxy/mine` }] }),
    location: '/Proxy/mine/openai/operations/1',
    shown: '/openai/operations/1',
  },
];

for (const { what, mount, asked: path = asked, entry, id, location, shown } of cases) {
  test(`a redirect leads back through the gateway where ${id} has ${what}`, async () => {
    await using upstream = await startUpstream();
    await using gateway = await passthroughGateway({ plugins: { [id]: entry(upstream.url) } });
    for (const target of [location, upstream.url + location, upstream.url.replace('http', 'Http') + location]) {
      upstream.reply({ status: 307, headers: { location: target } });
      const { headers } = await rawCall(gateway, mount + path);
      const here = new URL(headers.location!, gateway.url);
      assert.equal(here.origin, gateway.url);
      assert.equal(here.pathname + here.search, mount + shown);
      await rawCall(gateway, here.pathname + here.search);
      assert.equal(upstream.requests.at(-1)!.url, location, 'the next call goes where the provider said');
    }
  });
}

test('a base path ends where a segment does, and letters of a path have their case', async () => {
  await using upstream = await startUpstream();
  await using gateway = await passthroughGateway({ plugins: { 'providers/openai': at('/Proxy/oai')(upstream.url) } });
  for (const [location, shown] of [
    [`${upstream.url}/Proxy/oai`, `${gateway.url}/openai_passthrough`],
    [`${upstream.url}/Proxy/oai?a=1`, `${gateway.url}/openai_passthrough?a=1`],
    [`${upstream.url}/Proxy/oaix/v1/files`, `${upstream.url}/Proxy/oaix/v1/files`],
    [`${upstream.url}/proxy/oai/v1/files`, `${upstream.url}/proxy/oai/v1/files`],
    [`${upstream.url}0/Proxy/oai/v1/files`, `${upstream.url}0/Proxy/oai/v1/files`],
    // Behind a proxy that takes its own path off, a server writes paths without it.
    ['/v1/files/x', '/openai_passthrough/v1/files/x'],
  ] as const) {
    upstream.reply({ status: 307, headers: { location } });
    const { headers } = await rawCall(gateway, `/openai_passthrough${asked}`);
    assert.equal(headers.location, shown);
  }
});
