import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

const checkout = resolve(import.meta.dirname, '../..');

/** The gateway as a process of its own, with its config in a folder of its own. */
export interface StartedBinary {
  readonly child: ChildProcess;
  /** The config's path, to change it. */
  readonly file: string;
  /** All that it has written so far, as lines of JSON. */
  readonly output: () => string;
  readonly exit: Promise<number | null>;
  /** Where it listens; only once it does. */
  readonly url: () => string;
  /** Waits at most 30 seconds; a failure shows the output. */
  readonly until: (holds: () => boolean) => Promise<void>;
  /** Waits until this stands in the output. */
  readonly untilSaid: (text: string) => Promise<void>;
}

interface Start {
  /** Whose binary; default: the checkout's. */
  readonly root?: string;
  readonly config: object;
  /** Files beside the config by name, plugins for example. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Most files and sockets that it may have open. */
  readonly descriptors?: number;
}

/** Starts the binary in a process group of its own, which ends with the test. */
export function startBinary(
  test: TestContext,
  { root = checkout, config, files = {}, args = [], descriptors }: Start,
): StartedBinary {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-binary-'));
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const standard = ['start', '--config', file, '--port', '0', '--log-format', 'json'];
  const command = [process.execPath, join(root, 'kernel/main.js'), ...standard, ...args];
  const limited = descriptors === undefined ? [] : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh'];
  const [program, ...given] = [...limited, ...command];
  const child = spawn(program!, given, {
    detached: true,
    env: { ...process.env, BIFROST_DATA_DIR: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  test.after(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
    rmSync(folder, { recursive: true, force: true });
  });
  const until = async (holds: () => boolean): Promise<void> => {
    for (let i = 0; i < 1_500 && !holds(); i++) await new Promise((done) => setTimeout(done, 20));
    assert.ok(holds(), output);
  };
  return {
    child,
    file,
    exit,
    until,
    output: () => output,
    url: () => /"url":"([^"]+)"/.exec(output)![1]!,
    untilSaid: (text) => until(() => output.includes(text)),
  };
}
