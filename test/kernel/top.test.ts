import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { TopData } from '../../kernel/cli/top-data.ts';
import { topFrame } from '../../kernel/cli/top-frame.ts';
import { startGateway } from '../../plugin-sdk/testing/index.ts';

const run = promisify(execFile);
const now = new Date('2026-11-21T12:00:00');
const group = {
  key: 'gpt-4o',
  requests: 20,
  errors: 1,
  inputTokens: 10,
  outputTokens: 5,
  costUsd: 0.5,
  durationMs: { p50: 120, p99: 980 },
};
const record = {
  time: now.toISOString(),
  status: 200,
  provider: 'openai',
  model: 'gpt-4o',
  caller: { id: 'a' },
  durationMs: 118,
  costUsd: 0.01,
  attempts: [{}],
};
const key = {
  provider: 'openai',
  name: 'main',
  resting: false,
  restingModels: [],
  reason: null,
  failures: 0,
  inFlight: 2,
  latencyMs: 80,
};
const data: TopData = {
  url: 'http://127.0.0.1:8080',
  gateway: {
    generation: '1-abc',
    startedAt: now.toISOString(),
    openExchanges: 3,
    keys: [key, { ...key, name: 'spare', resting: true, reason: '429: rate limit' }],
  },
  now: { ...group, requests: 50 },
  minute: group,
  targets: [group],
  recent: Array.from({ length: 40 }, () => record),
};

test('a frame shows rates, latency, errors, cost, open requests, models, key health and the last requests', () => {
  const text = topFrame(data, { columns: 120, rows: 30, colour: false }, now).join('\n');
  for (const part of [
    /requests\/s 5\.0/,
    /p50 120 ms/,
    /p99 980 ms/,
    /errors 5\.0 %/,
    /cost\/min \$0\.50000/,
    /open 3/,
    /openai\/spare +cooling down: 429/,
    /12:00:00 +200 {2}openai\/gpt-4o/,
  ]) {
    assert.match(text, part);
  }
});

test('a frame fits terminals of any size and leaves out what does not fit', () => {
  for (const columns of [20, 60, 80, 200]) {
    for (const rows of [5, 24, 80]) {
      const lines = topFrame(data, { columns, rows, colour: false }, now);
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      if (columns >= 60)
        for (const line of lines) assert.ok(line.length <= columns, `${line.length} in ${columns}: ${line}`);
    }
  }
});

test('a model name cannot steer the terminal', () => {
  const evil = { ...record, model: 'x\x1b[2J\x9b31m\u202e\n' };
  const text = topFrame({ ...data, recent: [evil] }, { columns: 120, rows: 30, colour: false }, now).join('');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there.
  assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u202e]/);
});

test('a frame names the plugin that a missing part needs', () => {
  const text = topFrame(
    { ...data, gateway: undefined, now: undefined, minute: undefined, targets: undefined, recent: undefined },
    { columns: 100, rows: 20, colour: true },
    now,
  ).join('\n');
  assert.match(text, /plugins\/records, which is not loaded/);
  assert.match(text, /plugins\/dashboard, which is not loaded/);
});

test('top prints one frame where the output is no terminal, and says what is wrong otherwise', async () => {
  await using gateway = await startGateway({
    plugins: { 'plugins/dashboard': {}, 'plugins/records': {}, 'providers/mock': {} },
  });
  const top = (token: string, url = gateway.url) =>
    run(process.execPath, ['kernel/main.js', 'top', '--url', url], {
      env: { ...process.env, BIFROST_ADMIN_TOKEN: token },
    });
  const { stdout } = await top(gateway.adminToken);
  assert.match(stdout, /^Bifrost Kernel {2}http/);
  assert.match(stdout, /requests\/s 0\.0/);
  assert.ok(!stdout.includes('\x1b'));
  await assert.rejects(top('wrong'), { code: 69, stderr: /does not accept this admin token/ });
  await assert.rejects(top(''), { code: 64, stderr: /BIFROST_ADMIN_TOKEN/ });
  await assert.rejects(top('x', 'nowhere'), { code: 64, stderr: /--url/ });
});
