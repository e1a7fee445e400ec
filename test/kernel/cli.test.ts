import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { watchConfig } from '../../kernel/cli/watch-config.ts';
import { childPids } from './child-pids.ts';

const main = resolve(import.meta.dirname, '../../kernel/main.js');
const folder = mkdtempSync(join(tmpdir(), 'bifrost-cli-'));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
const environment = { ...process.env, BIFROST_DATA_DIR: join(folder, 'data') };

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: string[]): Promise<Ran> {
  return runIn(folder, ...args);
}

function runIn(cwd: string, ...args: string[]): Promise<Ran> {
  return new Promise((done) => {
    execFile(process.execPath, [main, ...args], { cwd, env: environment }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : (error.code as number | null), stdout, stderr }),
    );
  });
}

function config(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Waits up to ten seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((done) => setTimeout(done, 20));
  assert.ok(holds());
}

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

/** Starts the binary on a free port and waits until it listens. */
async function start(...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, [main, 'start', '--port', '0', '--log-format', 'json', ...args], {
    cwd: folder,
    env: environment,
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const exit = new Promise<number | null>((done) => child.on('exit', (code) => done(code)));
  for (let i = 0; i < 1_000; i++) {
    const url = /"url":"([^"]+)"/.exec(output)?.[1];
    if (url !== undefined) return { child, url, output: () => output, exit };
    if (child.exitCode !== null) break;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`it did not start: ${output}`);
}

const mock = config(
  'mock.jsonc',
  '{ "plugins": { "routes/openai": {}, "providers/mock": { "chunks": 5, "chunkDelayMs": 60 } } }',
);
const chat = (url: string, stream = false): Promise<Response> =>
  fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'mock/echo',
      stream,
      messages: [{ role: 'user', content: 'one two three four five six' }],
    }),
  });

test('--help and --version answer and exit with 0', async () => {
  const help = await run('--help');
  assert.equal(help.code, 0);
  assert.match(help.stdout, /start[\s\S]*check[\s\S]*plan[\s\S]*init[\s\S]*plugins[\s\S]*schema[\s\S]*--config/);
  const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));
  assert.equal((await run('--version')).stdout.trim(), version);
});

test('a wrong command line is refused with 64 and the usage', async () => {
  for (const args of [
    ['check', 'twice'],
    ['--port', 'x'],
    ['check', '--port='],
    ['check', '--port', ' '],
    ['check', '--host='],
    ['--nope'],
    ['start', '--log-level', 'loud'],
  ]) {
    const { code, stderr } = await run(...args);
    assert.equal(code, 64, args.join(' '));
    assert.match(stderr, /Commands/);
  }
  assert.match((await run('check', '--port=')).stderr, /^--port takes a number from 0 to 65535, not ""\.\n/);
  assert.match((await run('start', '--prot', '1')).stderr, /^There is no option --prot\. Did you mean --port\?/);
});

test('a plugin brings commands of its own, and a wrong one gets a guess', async () => {
  const file = config('records.jsonc', '{ "plugins": { "plugins/pricing": {}, "plugins/records": {} } }');
  assert.match((await run('reprice', '--config', file)).stdout, /0 records cost differently/);
  const { code, stderr } = await run('repirce', '--config', file);
  assert.equal(code, 64);
  assert.match(stderr, /There is no command repirce. Did you mean reprice\?/);
  rmSync(join(folder, 'data'), { recursive: true, force: true });
});

test('a bad config is refused with 78, every problem with its place, and no stack trace', async () => {
  const file = config(
    'bad.jsonc',
    '{\n  "server": { "port": "80a" },\n  "plugins": { "routes/openai": { "prefx": "/x" }, "providers/mok": {} }\n}',
  );
  for (const command of ['check', 'start']) {
    const { code, stderr } = await run(command, '--config', file);
    assert.equal(code, 78);
    assert.match(stderr, /2:23 server\.port/);
    assert.match(stderr, /3:35 .*prefx: unknown key; did you mean prefix\?/);
    assert.match(stderr, /providers\/mok.*Did you mean providers\/mock\?/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});

test('check and plan show what would run and leave nothing behind', async () => {
  const check = await run('check', '--config', mock);
  assert.equal(check.code, 0, check.stderr);
  const plan = await run('plan', '--config', mock);
  assert.match(plan.stdout, /plugins\/key-pool {2}loaded because another plugin needs it/);
  assert.match(plan.stdout, /selectKey +plugins\/key-pool/);
  assert.match(plan.stdout, /mock +.*0 keys/);
  assert.match(plan.stdout, /\/openai\/.*limits/);
  assert.equal(existsSync(join(folder, 'data')), false);
});

test('check and start warn of a provider that is not configured, with its place, and go on', async () => {
  const file = config(
    'misspelt.jsonc',
    '{\n  "plugins": {\n    "routes/openai": {},\n    "providers/mock": {},\n    "plugins/retries": { "providers": {\n      "mokc": {} } }\n  }\n}',
  );
  const line = '6:7 plugins["plugins/retries"].providers.mokc: the provider mokc is not configured; did you mean mock?';
  const { code, stdout, stderr } = await run('check', '--config', file);
  assert.equal(code, 0);
  assert.match(stdout, /misspelt\.jsonc is good: .*, 1 warning\.\n$/);
  assert.equal(stderr, `  ⚠ ${line}\n`);
  const { child, output, exit } = await start('--config', file);
  const logged = output()
    .split('\n')
    .filter((text) => text.includes('mokc'))
    .map((text) => JSON.parse(text));
  assert.deepEqual(
    logged.map(({ level, msg }) => ({ level, msg })),
    [{ level: 40, msg: line }],
  );
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
  rmSync(join(folder, 'data'), { recursive: true, force: true });
});

test('init copies the default config, and does not overwrite it', async () => {
  assert.equal((await run('init')).code, 0);
  const written = readFileSync(join(folder, 'bifrost.jsonc'), 'utf8');
  assert.equal(written, readFileSync(resolve(import.meta.dirname, '../../kernel/default.config.jsonc'), 'utf8'));
  assert.equal((await run('check')).code, 0);
  assert.equal((await run('init')).code, 73);
  rmSync(join(folder, 'bifrost.jsonc'));
});

test('init says why where nothing can be written', { skip: !existsSync('/proc/version') }, async () => {
  const { code, stderr } = await runIn('/proc', 'init');
  assert.equal(code, 73);
  assert.match(stderr, /^\/proc\/bifrost\.jsonc cannot be written: E[A-Z]+: .*\.\n$/);
});

test('plugins lists what ships, and schema prints a JSON Schema with every option', async () => {
  assert.match((await run('plugins')).stdout, /providers\/mock {2,}\S/);
  const schema = JSON.parse((await run('schema', '--config', mock)).stdout);
  assert.ok(JSON.stringify(schema).includes('chunkDelayMs'));
});

test('a reader that has seen enough ends a command quietly', async () => {
  const child = spawn(process.execPath, [main, 'schema', '--config', mock], { cwd: folder, env: environment });
  children.push(child);
  child.stdout.once('data', () => child.stdout.destroy());
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise((done) => child.on('close', done));
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('a folder that cannot be watched is told, and the others are watched', async () => {
  const failures: unknown[] = [];
  const file = config('watched.jsonc', '{}');
  let changes = 0;
  const unwatch = watchConfig(
    [join(folder, 'gone', 'bifrost.jsonc'), file],
    () => changes++,
    (cause) => failures.push((cause as NodeJS.ErrnoException).code),
  );
  writeFileSync(file, '{ }');
  await until(() => changes === 1);
  unwatch();
  assert.deepEqual(failures, ['ENOENT']);
});

test('it starts, answers, prints an admin token once, and reloads a changed config', async () => {
  const first = await start('--config', mock);
  for (let i = 0; i < 100 && !first.output().includes('Admin token'); i++)
    await new Promise((done) => setTimeout(done, 10));
  assert.match(first.output(), /Admin token, shown only now: bfa_/);
  assert.match(first.output(), /"startMs":\d+/);
  assert.equal((await chat(first.url)).status, 200);
  const before = (await chat(first.url)).headers.get('x-bf-config');
  writeFileSync(mock, '{ "plugins": { "routes/openai": {}, "providers/mock": { "chunks": 6, "chunkDelayMs": 60 } } }');
  for (let i = 0; i < 100 && (await chat(first.url)).headers.get('x-bf-config') === before; i++)
    await new Promise((done) => setTimeout(done, 50));
  assert.notEqual((await chat(first.url)).headers.get('x-bf-config'), before);
  first.child.kill('SIGTERM');
  assert.equal(await first.exit, 0);

  const second = await start('--config', mock);
  assert.doesNotMatch(second.output(), /Admin token/);
  second.child.kill('SIGTERM');
  assert.equal(await second.exit, 0);
});

test('a config file that is taken away changes nothing, and a process that starts anew does not do without it', async () => {
  const file = config(
    'bifrost.jsonc',
    '{ "server": { "workers": 2 }, "plugins": { "routes/openai": { "prefix": "/only" }, "providers/mock": {} } }',
  );
  const { child, url, output, exit } = await start();
  rmSync(file);
  await until(() => output().split('reload failed; the old config stays').length === 3);
  process.kill(childPids(child.pid!)[0]!, 'SIGKILL');
  await until(() => /a worker died[\s\S]*there is no such file/.test(output()));
  for (let i = 0; i < 10; i++) assert.equal((await chat(url)).status, 404);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('check and SIGTERM wait for a plugin that needs time to end', async () => {
  config(
    'slow-end.ts',
    `import { z } from 'zod';
    import { definePlugin } from 'bifrost-kernel/plugin-sdk';
    export default definePlugin({ name: 'slow-end', options: z.strictObject({}), setup: (_, host) => ({
      teardown: () => new Promise((resolve) => host.clock.after(300, () => { host.log.info({}, 'ended slowly'); resolve(); })),
    }) });`,
  );
  const file = config('slow.jsonc', '{ "plugins": { "./slow-end.ts": {} } }');
  assert.equal((await run('check', '--config', file)).code, 0);
  const { child, output, exit } = await start('--config', file);
  child.kill('SIGTERM');
  assert.equal(await exit, 0, output());
  assert.match(output(), /ended slowly[\s\S]*stopped/);
});

test('SIGTERM lets an open stream finish, refuses readiness meanwhile, and exits with 0', async () => {
  const { child, url, exit } = await start('--config', mock);
  const reply = await chat(url, true);
  const probe = await fetch(`${url}/ready`);
  assert.equal(probe.status, 200);
  child.kill('SIGTERM');
  assert.match(await reply.text(), /\[DONE\]/);
  assert.equal(await exit, 0);
});

test('two workers serve one port, and one that is killed is replaced', async () => {
  const file = config(
    'workers.jsonc',
    '{ "server": { "workers": 2 }, "plugins": { "routes/openai": {}, "providers/mock": {} } }',
  );
  const { child, url, output, exit } = await start('--config', file);
  assert.equal((await chat(url)).status, 200);
  const pids = childPids(child.pid!);
  assert.equal(pids.length, 2);
  process.kill(pids[0]!, 'SIGKILL');
  for (let i = 0; i < 300 && childPids(child.pid!).filter((pid) => pid !== pids[0]).length < 2; i++)
    await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 500));
  assert.match(output(), /a worker died/);
  for (let i = 0; i < 10; i++) assert.equal((await chat(url)).status, 200);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('SIGTERM ends it while all workers are dead and none has been started again', async () => {
  const file = config(
    'dead.jsonc',
    '{ "server": { "workers": 2 }, "plugins": { "routes/openai": {}, "providers/mock": {} } }',
  );
  const { child, exit } = await start('--config', file);
  for (const pid of childPids(child.pid!)) process.kill(pid, 'SIGKILL');
  await until(() => childPids(child.pid!).length === 0);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('workers that cannot use the config end the start with 78, and the mistake is told once', async () => {
  const file = config(
    'workers-bad.jsonc',
    '{ "server": { "workers": 3 }, "plugins": { "routes/openai": { "prefx": "/x" } } }',
  );
  const { code, stderr } = await run('start', '--port', '0', '--config', file);
  assert.equal(code, 78);
  assert.equal(stderr.split('did you mean prefix?').length, 2, stderr);
});

test('a config that has become bad does not stop the workers when they are to be replaced', async () => {
  const good = '{ "server": { "workers": 2 }, "plugins": { "routes/openai": {}, "providers/mock": {} } }';
  const file = config('workers-roll.jsonc', good);
  const { child, url, output, exit } = await start('--config', file);
  writeFileSync(file, good.replace('"routes/openai": {}', '"routes/openai": { "prefx": "/x" }'));
  child.kill('SIGUSR2');
  for (let i = 0; i < 500 && !output().includes('a successor did not start'); i++)
    await new Promise((done) => setTimeout(done, 10));
  assert.match(output(), /a successor did not start/);
  assert.equal((await chat(url)).status, 200);
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('a data folder that cannot be is named, with what to do', async () => {
  const file = config('a-file', 'no folder');
  const stored = config(
    'stored.jsonc',
    JSON.stringify({ dataDir: join(file, 'data'), plugins: { 'routes/openai': {} } }),
  );
  const { code, stderr } = await run('start', '--port', '0', '--config', stored);
  assert.equal(code, 78);
  assert.match(
    stderr,
    /a-file is no folder\. Choose another folder with dataDir in the config, or BIFROST_DATA_DIR\.\n$/,
  );
});

test('kernel/main.ts starts the same binary', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main.replace(/js$/, 'ts'), '--help']);
  assert.equal(stdout, (await run('--help')).stdout);
});

test('a port that is taken is named, with what to do', async () => {
  const { child, url, exit } = await start('--config', mock);
  const { code, stderr } = await run('start', '--config', mock, '--port', new URL(url).port);
  assert.equal(code, 78);
  assert.match(stderr, /something listens there already. Choose another with --port/);
  child.kill('SIGTERM');
  await exit;
});

test('an address that cannot be listened on is named, with what to do', async () => {
  const file = config('workers-of-mock.jsonc', '{ "server": { "workers": 2 }, "plugins": { "providers/mock": {} } }');
  for (const [args, told] of [
    [
      ['--host', 'a..b', '--insecure'],
      /^Cannot listen on a\.\.b:8080: no address is known by that name\. .* --host \(/,
    ],
    [['--host', 'a..b', '--config', file], /^Cannot listen on a\.\.b:8080: no address is known by that name\. /],
    [['--host', 'fe80::1', '--insecure'], /^Cannot listen on \[fe80::1\]:8080: the .* --host \(/],
  ] as const) {
    const { code, stderr } = await run('start', '--config', mock, ...args);
    assert.match(stderr, told);
    assert.equal(stderr.split('\n').length, 2, stderr);
    assert.equal(code, 78);
  }
});

test('a host with a port in it is refused by start and check', async () => {
  const file = config('host-port.jsonc', '{ "server": { "host": "localhost:8080" }, "plugins": {} }');
  for (const command of ['start', 'check']) {
    for (const args of [
      ['--config', file],
      ['--config', mock, '--host', '127.0.0.1:8080'],
      ['--config', mock, '--host', '[::1]'],
    ]) {
      const { code, stderr } = await run(command, ...args);
      assert.match(stderr, /^Cannot listen on \S+: that is no host\. .* a port goes into --port or server\.port\.\n$/);
      assert.equal(code, 78);
    }
  }
});

test('a public address without identity is refused unless --insecure says so', async () => {
  for (const command of ['start', 'check']) {
    const { code, stderr } = await run(command, '--config', mock, '--host', '0.0.0.0', '--port', '0');
    assert.equal(code, 78);
    assert.match(stderr, /Refusing to listen on 0\.0\.0\.0 without identity/);
  }
  const file = config(
    'public.jsonc',
    '{ "server": { "host": "0.0.0.0" }, "plugins": { "routes/openai": {}, "plugins/governance": { "required": false } } }',
  );
  const { code, stderr } = await run('check', '--config', file);
  assert.equal(code, 78);
  assert.match(stderr, /^Refusing to listen on 0\.0\.0\.0 without identity: set "required": true[^\n]*\n$/);
  assert.equal((await run('check', '--config', mock, '--host', '0.0.0.0', '--insecure')).code, 0);
});

test('init writes the file that --config names', async () => {
  const { code, stdout } = await run('init', '--config', 'mine.jsonc');
  assert.equal(code, 0);
  assert.match(stdout, /mine\.jsonc/);
  assert.ok(existsSync(join(folder, 'mine.jsonc')));
});

test('a certificate that cannot be served is refused in one line by start and check', async () => {
  const file = config('bad-tls.jsonc', '{ "server": { "tls": { "cert": "x", "key": "y" } }, "plugins": {} }');
  for (const command of ['start', 'check']) {
    const { code, stderr } = await run(command, '--port', '0', '--config', file);
    assert.equal(code, 78, stderr);
    assert.match(stderr, /^Cannot serve HTTPS: server\.tls\.cert[^\n]*\n$/);
  }
});

test('check names the file of a plugin that is not there, and the member that excludes another', async () => {
  const owners = '{ "id": "a", "value": "sk-0123456789abcdef", "team": "t", "customer": "acme" }';
  const file = config(
    'not-there.jsonc',
    `{ "plugins": { "./nothing.ts": {}, "plugins/governance": { "teams": [{ "id": "t" }], "virtualKeys": [${owners}] } } }`,
  );
  const { code, stderr } = await run('check', '--config', file);
  assert.equal(code, 78, stderr);
  assert.match(
    stderr,
    /plugins\["\.\/nothing\.ts"\]: There is no plugin \.\/nothing\.ts\. There is no file \/\S+nothing\.ts\./,
  );
  assert.match(stderr, /\.virtualKeys\[0\]\.customer: name a team or a customer, not both, got "acme"/);
});
