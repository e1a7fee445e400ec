import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import shippedRoutes from '../../routes/index.ts';
import { testPrices } from './governed-gateway.ts';

const keys = {
  expired: 'sk-bf-expired-0123456789abcdef',
  inactive: 'sk-bf-inactive-0123456789abcdef',
  foreign: 'sk-bf-foreign-0123456789abcdef',
};

const attempts: {
  readonly name: string;
  readonly headers: Record<string, string>;
  readonly statuses: readonly number[];
}[] = [
  { name: 'no key', headers: {}, statuses: [401] },
  { name: 'a wrong key', headers: { 'x-bf-vk': 'sk-bf-wrong' }, statuses: [401] },
  { name: 'a wrong bearer', headers: { authorization: 'Bearer sk-bf-wrong' }, statuses: [401] },
  { name: "a provider's key", headers: { 'x-api-key': 'sk-ant-canary-of-someone' }, statuses: [401] },
  { name: 'an expired key', headers: { 'x-bf-vk': keys.expired }, statuses: [403] },
  { name: 'an inactive key', headers: { 'x-bf-vk': keys.inactive }, statuses: [403] },
  { name: 'a key for another provider', headers: { 'x-bf-vk': keys.foreign }, statuses: [403] },
];

test('lets nobody through any shipped route without a key that may', { timeout: 60_000 }, async (context) => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({
    plugins: {
      ...Object.fromEntries(shippedRoutes.map(({ id }) => [id, {}])),
      'providers/openai': upstream.provider(),
      'plugins/admin-api': {},
      'plugins/pricing': testPrices,
      'plugins/governance': {
        required: true,
        virtualKeys: [
          { id: 'expired', value: keys.expired, expiresAt: '2020-01-01T00:00:00Z' },
          { id: 'inactive', value: keys.inactive, active: false },
          { id: 'foreign', value: keys.foreign, providers: ['nobody'] },
        ],
      },
    } as never,
  });
  const { routes } = gateway.gateway.current.view();
  let checked = 0;
  const open: string[] = [];
  for (const { method, path, guards, operation } of routes) {
    if (guards.includes('public')) {
      open.push(path);
      continue;
    }
    const isHandler = operation === undefined;
    const url = path
      .replace(/:\w+\{\.\+(:\w+)\}/g, 'x$1')
      .replace(/:\w+\{[^}]*\}/g, 'x')
      .replace(/:\w+\??/g, 'x')
      .replace('*', 'v1/x');
    for (const { name, headers, statuses } of attempts) {
      // A handler of the gateway's own asks for an admin token, or for any key that is good.
      if (isHandler && name.startsWith('a key for another')) continue;
      const verb = method === 'ALL' ? 'POST' : method;
      const response = await fetch(gateway.url + url, {
        method: verb,
        headers: { 'content-type': 'application/json', ...headers },
        ...(verb === 'GET' || verb === 'HEAD'
          ? {}
          : { body: JSON.stringify({ model: 'priced', messages: [], input: 'x' }) }),
      });
      const allowed = isHandler ? [401, 403] : statuses;
      const listing = operation === 'models' && name.startsWith('a key for another');
      // A path that the route itself does not know is refused before anyone is asked.
      const unknownPath = response.status === 404 || response.status === 400;
      if (!listing && !unknownPath)
        assert.ok(
          allowed.includes(response.status),
          `${verb} ${url} with ${name}: ${response.status} ${await response.clone().text()}`,
        );
      await response.body?.cancel();
      checked++;
    }
  }
  // A list is read with keys of the operator's, and what the caller may not use is left out of it.
  const asked = upstream.requests.filter(({ url }) => url !== '/v1/models');
  assert.deepEqual(asked, []);
  assert.ok(checked > 20, `${checked}`);
  context.diagnostic(`${checked} calls; public: ${open.join(', ') || 'none'}`);
});
