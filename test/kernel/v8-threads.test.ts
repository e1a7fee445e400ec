import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const skip = process.platform !== 'linux' && 'priorities of threads are a matter of Linux';

test('threads that compile and collect give way to the one that serves', { skip }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-threads-'));
  const main = join(import.meta.dirname, '../../kernel/main.js');
  const gateway = spawn(process.execPath, [main, 'start', '--port', '0', '--log-format', 'json'], {
    env: { ...process.env, BIFROST_DATA_DIR: dataDir },
  });
  try {
    let output = '';
    while (!output.includes('"url"')) output += String((await once(gateway.stdout, 'data'))[0]);
    const threads = threadsOf(gateway.pid!);
    const helpers = threads.filter(({ name }) => name === 'node-V8Worker');
    assert.ok(helpers.length > 0, JSON.stringify(threads));
    assert.ok(
      helpers.every(({ niceness }) => niceness === 5),
      JSON.stringify(threads),
    );
    assert.equal(threads.find(({ id }) => id === gateway.pid)?.niceness, 0);
  } finally {
    gateway.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function threadsOf(pid: number): { id: number; name: string; niceness: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((id) => {
    const [, name, rest] = /\((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'))!;
    // Field 19 of proc_pid_stat(5), the third being the first behind the name.
    return { id: Number(id), name: name!, niceness: Number(rest!.split(' ')[16]) };
  });
}
