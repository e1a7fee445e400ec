import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { smallDisk } from './small-disk.ts';

const key = 'sk-bf-full-disk-0123456789abcdef';

const plugins = {
  'routes/openai': {},
  'providers/mock': {},
  'plugins/governance': { virtualKeys: [{ id: 'ada', name: 'Ada', value: key, providers: ['mock'] }] },
  'plugins/admin-api': {},
  'plugins/records': { content: { default: true }, batch: 5 },
  'plugins/cache': {},
};

test('a full disk ends neither calls nor the process, and records are written when there is room', async (t) => {
  const disk = smallDisk(t, 4);
  if (disk === undefined) return;
  await using gateway = await startGateway({ dataDir: join(disk, 'data'), plugins });
  const admin = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json' },
    });
  const recorded = async (): Promise<number> =>
    ((await (await admin('/api/records/stats')).json()) as { store: { records: number } }).store.records;

  assert.equal(await ask(gateway.url, 'before'), 200);
  const filler = join(disk, 'filler');
  fill(filler);
  for (let i = 0; i < 40; i++) assert.equal(await ask(gateway.url, `${i} ${'x'.repeat(2_000)}`), 200);
  const name = 'n'.repeat(200);
  const refusals: Response[] = [];
  for (let i = 0; i < 200 && refusals.length === 0; i++) {
    const reply = await admin('/api/virtual-keys', { method: 'POST', body: JSON.stringify({ name, providers: [] }) });
    if (reply.status !== 201) refusals.push(reply);
  }
  assert.equal(refusals[0]?.status, 503);
  assert.match(await refusals[0]!.text(), /store is not available: No space left on device/);

  rmSync(filler);
  for (let i = 0; i < 100 && (await recorded()) < 41; i++) await new Promise((done) => setTimeout(done, 100));
  assert.equal(await recorded(), 41);
  const { status } = await admin('/api/virtual-keys', {
    method: 'POST',
    body: JSON.stringify({ name, providers: [] }),
  });
  assert.equal(status, 201);
});

test('a gateway whose disk is full stops as any other', async (t) => {
  const disk = smallDisk(t, 4);
  if (disk === undefined) return;
  const gateway = await startGateway({ dataDir: join(disk, 'data'), plugins });
  fill(join(disk, 'filler'));
  for (let i = 0; i < 10; i++) assert.equal(await ask(gateway.url, `${i} ${'x'.repeat(2_000)}`), 200);
  await gateway.close();
  assert.equal(gateway.gateway.state, 'closed');
});

test('a store that finds no room for its first files says so, and starts when there is some', async (t) => {
  const disk = smallDisk(t, 1);
  if (disk === undefined) return;
  const filler = join(disk, 'filler');
  const dataDir = join(disk, 'data');
  fill(filler);
  await assert.rejects(startGateway({ dataDir, plugins }), { message: /store-lmdb did not set up: .*no space left/i });
  rmSync(filler);
  await using gateway = await startGateway({ dataDir, plugins });
  assert.equal(await ask(gateway.url, 'after'), 200);
});

async function ask(url: string, text: string): Promise<number> {
  const reply = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: text }] }),
  });
  await reply.arrayBuffer();
  return reply.status;
}

function fill(file: string): void {
  try {
    for (;;) appendFileSync(file, Buffer.alloc(4_096));
  } catch (cause) {
    assert.equal((cause as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}
