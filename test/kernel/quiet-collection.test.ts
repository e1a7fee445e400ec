import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-quiet-'));
let gateway: ChildProcess;
let output = '';

before(() => {
  const main = join(import.meta.dirname, '../../kernel/main.js');
  const args = ['--trace-gc', main, 'start', '--port', '0', '--log-format', 'json'];
  gateway = spawn(process.execPath, args, { env: { ...process.env, BIFROST_DATA_DIR: dataDir } });
  gateway.stdout!.on('data', (chunk) => (output += String(chunk)));
});
after(() => {
  gateway.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

test('a gateway collects the garbage of its start and of a burst of calls once nobody calls any more', async () => {
  const url = await until(() => /"url":"([^"]+)"/.exec(output)?.[1]);
  assert.match(await until(() => asked()[0]), /Mark-Compact/);
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => call(url)));
  const before = asked().length;
  await until(() => asked()[before]);
  const later = asked().slice(before);
  // Compiled code would go with the old objects.
  assert.ok(
    later.every((line) => line.includes('Scavenge')),
    later.join('\n'),
  );
});

/** Collections that were asked for: V8 says that they are for testing. */
function asked(): string[] {
  return output.split('\n').filter((line) => / (Scavenge|Mark-Compact) .*\btesting\b/.test(line));
}

async function call(url: string): Promise<void> {
  const body = JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'one two three' }] });
  const reply = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.equal(reply.status, 200, await reply.text());
}

/** Waits up to 20 seconds, in which a busy machine has a quiet one. */
async function until<T>(found: () => T | undefined): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const value = found();
    if (value !== undefined) return value;
    await sleep(50);
  }
  throw new Error(`it did not come: ${output.slice(-2_000)}`);
}
