import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { open } from 'lmdb';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import { providerKeySchema, teamSchema, virtualKeySchema } from '../../plugin-sdk/ports/entity-schemas.ts';
import { Secret } from '../../plugin-sdk/secret.ts';
import { LmdbEntities } from '../../plugins/store-lmdb/entities.ts';
import { Sealing } from '../../plugins/store-lmdb/sealing.ts';

const folder = mkdtempSync(join(tmpdir(), 'entities-test-'));
const environment = open({ path: folder, maxDbs: 32, mapSize: 1 << 28 });
const sealing = Sealing.withKeyFile(join(folder, 'seal.key'));
const entities = new LmdbEntities(environment, sealing, Date);
after(async () => {
  await environment.close();
  rmSync(folder, { recursive: true });
});

const actor = { id: 'admin:test' };
const canary = 'sk-bf-canary-7c0fd2a94b1e4a55a1f2';
const key = virtualKeySchema.parse({ name: 'Marketing', providers: ['openai'] });
const failsWith = (code: string) => (error: unknown) => isGatewayError(error) && error.code === code;

test('finds a virtual key by its credential and keeps only a hash of it', async () => {
  const put = await entities.put('virtual-key', 'marketing', key, {
    expected: 'absent',
    actor,
    credential: new Secret(canary),
  });
  assert.equal(put.hint, 'sk-bf-…a1f2');
  assert.equal(entities.findVirtualKey(canary)?.id, 'marketing');
  assert.equal(entities.findVirtualKey(`${canary}x`), undefined);
  for (const file of readdirSync(folder)) assert.ok(!readFileSync(join(folder, file)).includes('canary-7c0f'), file);
});

test('refuses a write that expects another version', async () => {
  await assert.rejects(
    entities.put('virtual-key', 'marketing', key, { expected: 'absent', actor }),
    failsWith('STORE_CONFLICT'),
  );
  await assert.rejects(
    entities.put('virtual-key', 'marketing', key, { expected: 7, actor }),
    failsWith('STORE_CONFLICT'),
  );
  await assert.rejects(entities.put('virtual-key', 'nobody', key, { expected: 1, actor }), failsWith('STORE_UNKNOWN'));
  const changed = await entities.put('virtual-key', 'marketing', { ...key, active: false }, { expected: 1, actor });
  assert.equal(changed.version, 2);
  assert.equal(entities.findVirtualKey(canary)?.value.active, false);
});

test('lets an old credential go when the key is rotated or deleted', async () => {
  const next = 'sk-bf-0123456789abcdef01234567';
  await entities.put('virtual-key', 'marketing', key, { expected: 2, actor, credential: new Secret(next) });
  assert.equal(entities.findVirtualKey(canary), undefined);
  assert.equal(entities.findVirtualKey(next)?.id, 'marketing');
  await entities.delete('virtual-key', 'marketing', 3, actor);
  assert.equal(entities.findVirtualKey(next), undefined);
  await assert.rejects(entities.delete('virtual-key', 'marketing', undefined, actor), failsWith('STORE_UNKNOWN'));
});

test('takes a credential once, however many ask for it at the same moment', async () => {
  const credential = new Secret('sk-bf-asked-for-by-two-at-once');
  const put = (id: string) => entities.put('virtual-key', id, key, { expected: 'absent', actor, credential });
  const [one, other] = await Promise.allSettled([put('one'), put('other')]);
  assert.equal(one.status, 'fulfilled');
  assert.ok(other.status === 'rejected' && failsWith('STORE_TAKEN')(other.reason));
  assert.equal(entities.get('virtual-key', 'other'), undefined);
  await entities.put('virtual-key', 'third', key, {
    expected: 'absent',
    actor,
    credential: new Secret('sk-bf-of-the-third'),
  });
  await assert.rejects(
    entities.put('virtual-key', 'third', key, { expected: 1, actor, credential }),
    failsWith('STORE_TAKEN'),
  );
  assert.equal(entities.findVirtualKey('sk-bf-asked-for-by-two-at-once')?.id, 'one');
  assert.equal(entities.findVirtualKey('sk-bf-of-the-third')?.id, 'third');
  const declared = new LmdbEntities(environment, sealing, Date);
  declared.declare('virtual-key', 'fixed', key, new Secret('sk-bf-of-the-config-file'));
  await assert.rejects(
    declared.put('virtual-key', 'fourth', key, {
      expected: 'absent',
      actor,
      credential: new Secret('sk-bf-of-the-config-file'),
    }),
    failsWith('STORE_TAKEN'),
  );
  for (const id of ['one', 'third']) await entities.delete('virtual-key', id, 1, actor);
});

test('gives a name to one key of a provider, however many ask for it at the same moment', async () => {
  const put = (id: string, name: string, provider = 'openai', weight = 1) =>
    entities.put('provider-key', id, providerKeySchema.parse({ provider, name, weight }), {
      expected: undefined,
      actor,
      credential: new Secret('sk-live-of-a-provider'),
    });
  const [one, other] = await Promise.allSettled([put('one', 'twin'), put('other', 'twin')]);
  assert.equal(one.status, 'fulfilled');
  assert.ok(other.status === 'rejected' && failsWith('STORE_TAKEN')(other.reason));
  await put('one', 'twin', 'openai', 2);
  await put('of-another-provider', 'twin', 'azure');
  await put('other', 'single');
  await assert.rejects(put('other', 'twin'), failsWith('STORE_TAKEN'));
  for (const id of ['one', 'other', 'of-another-provider']) await entities.delete('provider-key', id, undefined, actor);
});

test('of a team that goes and a key that comes to name it at the same moment, one is refused', async () => {
  const team = teamSchema.parse({ name: 'Green' });
  const ofGreen = virtualKeySchema.parse({ name: 'Of green', team: 'green' });
  const put = () => entities.put('virtual-key', 'of-green', ofGreen, { expected: undefined, actor });
  await entities.put('team', 'green', team, { expected: 'absent', actor });
  const [named, kept] = await Promise.allSettled([put(), entities.delete('team', 'green', 1, actor)]);
  assert.equal(named.status, 'fulfilled');
  assert.ok(kept.status === 'rejected' && failsWith('STORE_NAMED')(kept.reason));
  await entities.delete('virtual-key', 'of-green', undefined, actor);
  const [gone, late] = await Promise.allSettled([entities.delete('team', 'green', 1, actor), put()]);
  assert.equal(gone.status, 'fulfilled');
  assert.ok(late.status === 'rejected' && failsWith('STORE_DANGLING')(late.reason));
  assert.equal(entities.get('virtual-key', 'of-green'), undefined);
});

test('a key whose team left the config can still be changed, to be blocked or given another team', async () => {
  const declaring = new LmdbEntities(environment, sealing, Date);
  declaring.declare('team', 'late', teamSchema.parse({ name: 'Late' }));
  const ofLate = virtualKeySchema.parse({ name: 'Of late', team: 'late' });
  await declaring.put('virtual-key', 'of-late', ofLate, { expected: 'absent', actor });
  await entities.put('virtual-key', 'of-late', { ...ofLate, active: false }, { expected: 1, actor });
  await entities.delete('virtual-key', 'of-late', 2, actor);
});

test('writes down who changed what, without credentials', () => {
  const trail = entities.audit({ limit: 100 });
  const marketing = trail.filter(({ id }) => id === 'marketing');
  assert.deepEqual(
    marketing.map(({ action }) => action),
    ['delete', 'rotate', 'update', 'create'],
  );
  assert.deepEqual(
    entities.audit({ limit: 1, before: marketing[0]!.sequence }).map(({ action }) => action),
    ['rotate'],
  );
  assert.ok(!JSON.stringify(trail).includes('sk-bf-'));
});

test('lets the config file win for what it names', async () => {
  const declared = new LmdbEntities(environment, sealing, Date);
  await entities.put('team', 'red', teamSchema.parse({ name: 'Stored' }), { expected: 'absent', actor });
  declared.declare('team', 'red', teamSchema.parse({ name: 'Declared' }));
  assert.equal(declared.get('team', 'red')?.value.name, 'Declared');
  assert.deepEqual(
    declared.list('team').map(({ origin }) => origin),
    ['config'],
  );
  await assert.rejects(declared.delete('team', 'red', undefined, actor), failsWith('STORE_DECLARED'));
  assert.equal(entities.get('team', 'red')?.value.name, 'Stored');
});

test('gives a provider key back only to this store', async () => {
  const value = {
    provider: 'openai',
    name: 'extra',
    weight: 1,
    models: ['*'],
    blockedModels: [],
    aliases: {},
    enabled: true,
  };
  await entities.put('provider-key', 'extra', value, {
    expected: 'absent',
    actor,
    credential: new Secret('sk-live-canary-of-a-provider'),
  });
  assert.equal(Secret.reveal(entities.providerCredential('extra')!), 'sk-live-canary-of-a-provider');
  const other = new LmdbEntities(environment, new Sealing(new Secret('another key')), Date);
  assert.throws(() => other.providerCredential('extra'));
  for (const file of readdirSync(folder)) assert.ok(!readFileSync(join(folder, file)).includes('sk-live-canary'), file);
});

test('shows a change of another process on the next call', async () => {
  const before = entities.version();
  execFileSync(
    process.execPath,
    [
      '--input-type=module-typescript',
      '--eval',
      `import { open } from 'lmdb';
     import { LmdbEntities } from './plugins/store-lmdb/entities.ts';
     const environment = open({ path: ${JSON.stringify(folder)}, maxDbs: 32, mapSize: 1 << 28 });
     const entities = new LmdbEntities(environment, undefined as never, Date);
     await entities.put('team', 'blue', { name: 'Blue', budgets: [], rateLimits: [] }, { expected: 'absent', actor: { id: 'other' } });
     await environment.close();`,
    ],
    { cwd: join(import.meta.dirname, '../..') },
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.notEqual(entities.version(), before);
  assert.equal(entities.get('team', 'blue')?.value.name, 'Blue');
});
