import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from 'lmdb';
import { LedgerSnapshots } from '../../plugins/store-lmdb/ledger-snapshots.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const alone = (step: () => void): void => step();

test('goes on from the last snapshot when the machine was restarted, whatever is left of the file', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'snapshots-'));
  const path = join(dataDir, 'ledger');
  const start = () => {
    const snapshots = new LedgerSnapshots(dataDir);
    snapshots.restore(alone, log);
    const environment = open({ path, noSync: true, maxDbs: 2 });
    return { snapshots, environment, counters: environment.openDB<number, string>('counters', {}) };
  };
  const first = start();
  await first.counters.put('used', 1);
  await first.snapshots.take(first.environment, 0);
  await first.counters.put('used', 2);
  await first.environment.close();

  const again = start();
  assert.equal(again.counters.get('used'), 2, 'without a restart of the machine nothing is restored');
  await again.environment.close();

  writeFileSync(join(path, 'boot'), 'another start');
  truncateSync(join(path, 'data.mdb'), 100);
  const restored = start();
  assert.equal(restored.counters.get('used'), 1);
  await restored.environment.close();
  assert.notEqual(readFileSync(join(path, 'boot'), 'utf8'), 'another start');
  rmSync(dataDir, { recursive: true });
});

test('writes no snapshot when nothing was committed since the last', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'snapshots-'));
  const snapshots = new LedgerSnapshots(dataDir);
  snapshots.restore(alone, log);
  const environment = open({ path: join(dataDir, 'ledger'), noSync: true, maxDbs: 2 });
  await environment.put('x', 1);
  const file = join(dataDir, 'ledger-snapshot', 'data.mdb');
  await snapshots.take(environment, 0);
  const before = readFileSync(file);
  writeFileSync(file, 'untouched');
  await snapshots.take(environment, 0);
  assert.equal(readFileSync(file, 'utf8'), 'untouched');
  await environment.put('x', 2);
  await snapshots.take(environment, 60_000);
  assert.equal(readFileSync(file, 'utf8'), 'untouched');
  await snapshots.take(environment, 0);
  assert.equal(readFileSync(file).length, before.length);
  await environment.close();
  rmSync(dataDir, { recursive: true });
});

test('writes a snapshot when the clock was set back since the last', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'snapshots-'));
  const snapshots = new LedgerSnapshots(dataDir);
  snapshots.restore(alone, log);
  const environment = open({ path: join(dataDir, 'ledger'), noSync: true });
  await environment.put('x', 1);
  await snapshots.take(environment, 60_000);
  const file = join(dataDir, 'ledger-snapshot', 'data.mdb');
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(file, tomorrow, tomorrow);
  await environment.put('x', 2);
  await snapshots.take(environment, 60_000);
  assert.ok(statSync(file).mtime < tomorrow);
  await environment.close();
  rmSync(dataDir, { recursive: true });
});

test('goes on from the last snapshot at the next start when the first try to copy it failed', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'snapshots-'));
  const path = join(dataDir, 'ledger');
  const snapshots = new LedgerSnapshots(dataDir);
  snapshots.restore(alone, log);
  const first = open({ path, noSync: true });
  await first.put('used', 1);
  await snapshots.take(first, 0);
  await first.close();
  writeFileSync(join(path, 'boot'), 'another start');
  const snapshot = join(dataDir, 'ledger-snapshot', 'data.mdb');
  renameSync(snapshot, `${snapshot}.away`);
  mkdirSync(snapshot);
  assert.throws(() => snapshots.restore(alone, log));
  rmSync(snapshot, { recursive: true });
  renameSync(`${snapshot}.away`, snapshot);
  snapshots.restore(alone, log);
  const restored = open({ path, noSync: true });
  assert.equal(restored.get('used'), 1);
  await restored.close();
  rmSync(dataDir, { recursive: true });
});
