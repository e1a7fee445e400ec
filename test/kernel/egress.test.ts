import assert from 'node:assert/strict';
import dns from 'node:dns';
import { createServer } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { Connections } from '../../kernel/upstream/connections.ts';
import { checkHost, guardedLookup, isInternal } from '../../kernel/upstream/egress.ts';
import { send } from '../../kernel/upstream/send.ts';
import { isGatewayError, type UpstreamRequest } from '../../plugin-sdk/index.ts';

const internal = {
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fd00::1', 'fc00::1'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0.0.0.0', '::', '::7f00:1'],
  'link-local': ['169.254.169.254', 'fe80::1', 'febf::1'],
  'shared (CGNAT)': ['100.64.0.1', '100.127.255.255'],
  'IPv6-mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1'],
  'multicast and reserved': ['224.0.0.1', '255.255.255.255', '240.0.0.1', 'ff02::1', '198.18.0.1', '192.0.0.1'],
};
const external = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '172.15.0.1',
  '100.63.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2002:808:808::',
];

for (const [kind, addresses] of Object.entries(internal)) {
  test(`${kind} addresses are internal`, () => {
    for (const address of addresses) assert.equal(isInternal(address), true, address);
  });
}

test('public addresses are not internal', () => {
  for (const address of external) assert.equal(isInternal(address), false, address);
});

test('an address with a zone is judged by the address', () => {
  assert.equal(isInternal('fe80::1%eth0'), true);
});

/** A call to where a caller might point it. */
function reach(origin: string): Promise<unknown> {
  const request: UpstreamRequest = {
    provider: 'p',
    origin,
    method: 'GET',
    path: '/',
    headers: [],
    body: undefined,
    privateAddresses: false,
  };
  const connections = new Connections();
  return send(request, connections, 1_000).finally(() => connections.close());
}

const written = [
  'http://127.0.0.1',
  'http://localhost',
  'http://127.1',
  'http://2130706433',
  'http://0177.0.0.1',
  'http://0x7f000001',
  'http://0x7f.0.0.1',
  'http://017700000001',
  'http://0',
  'http://[::1]',
  'http://[::]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[64:ff9b::7f00:1]',
  'http://10.0.0.1',
  'http://169.254.169.254',
  'http://100.64.0.1',
  'http://[fd00::1]',
  'http://[fe80::1]',
  'http://①②⑦.0.0.1',
  'http://127.0.0.1.',
];
for (const origin of written) {
  test(`no connection is made to ${origin}`, async () => {
    await assert.rejects(reach(origin), (error) => isGatewayError(error) && error.code === 'GUARD_HOST');
  });
}

test('a name is refused when any of its addresses is internal', async () => {
  await resolving({ 'mixed.example': ['93.184.216.34', '10.0.0.1'] }, async () => {
    await assert.rejects(
      reach('http://mixed.example'),
      (error) => isGatewayError(error) && error.code === 'GUARD_HOST',
    );
  });
});

test('the address that was checked is the address that is connected to, so a changing answer gains nothing', async () => {
  let lookups = 0;
  await resolving(
    {
      // Public when first asked, loopback ever after.
      get 'rebinding.example'() {
        lookups += 1;
        return lookups === 1 ? ['203.0.113.7'] : ['127.0.0.1'];
      },
    },
    async () => {
      const first = await new Promise<unknown>((resolve) =>
        guardedLookup('rebinding.example', {}, (error, address) => resolve(error ?? address)),
      );
      assert.equal(first, '203.0.113.7');
      await assert.rejects(
        reach('http://rebinding.example'),
        (error) => isGatewayError(error) && error.code === 'GUARD_HOST',
      );
      assert.equal(lookups, 2, 'one lookup a connection');
    },
  );
});

test('a redirect is handed on, never followed', async () => {
  let reached = 0;
  const inside = createServer((_incoming, outgoing) => {
    reached += 1;
    outgoing.end();
  });
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  const { port } = inside.address() as { port: number };
  const outside = createServer((_incoming, outgoing) =>
    outgoing.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
  );
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  const connections = new Connections();
  const origin = `http://127.0.0.1:${(outside.address() as { port: number }).port}`;
  const reply = await send(
    { provider: 'p', origin, method: 'GET', path: '/', headers: [], body: undefined, privateAddresses: true },
    connections,
    1_000,
  );
  assert.equal(reply.status, 302);
  reply.abort(new Error('enough'));
  await connections.close();
  assert.equal(reached, 0);
  inside.close();
  outside.close();
});

test('a host that is written as an internal address is refused before any lookup', () => {
  assert.throws(() => checkHost('[::1]'), { code: 'GUARD_HOST' });
  assert.throws(() => checkHost('10.1.2.3'), { code: 'GUARD_HOST' });
  assert.doesNotThrow(() => checkHost('api.openai.com'));
});

/** Answers lookups from a table while `body` runs. */
async function resolving(table: Readonly<Record<string, readonly string[]>>, body: () => Promise<void>): Promise<void> {
  const { lookup } = dns;
  const fake = (
    host: string,
    options: dns.LookupAllOptions,
    done: (error: Error | null, found: dns.LookupAddress[]) => void,
  ): void => {
    const found = table[host];
    if (found === undefined) throw new Error(`an unexpected lookup of ${host} with ${JSON.stringify(options)}`);
    done(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  dns.lookup = fake as never;
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    dns.lookup = lookup;
    syncBuiltinESMExports();
  }
}
