import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { checkOptions } from '../../kernel/config/check-options.ts';
import { didYouMean, editDistance } from '../../kernel/config/did-you-mean.ts';
import { configSchema } from '../../kernel/config/json-schema.ts';
import { type LoadedConfig, loadConfig } from '../../kernel/config/load-config.ts';
import { formatPath } from '../../kernel/config/path.ts';
import { Problems } from '../../kernel/config/problems.ts';
import { readConfig } from '../../kernel/config/read-config.ts';
import { parseSource } from '../../kernel/config/source-tree.ts';
import { type Code, isGatewayError } from '../../plugin-sdk/errors.ts';
import { secretString } from '../../plugin-sdk/provider-options.ts';
import { Secret } from '../../plugin-sdk/secret.ts';

const root = mkdtempSync(join(tmpdir(), 'bifrost-config-'));
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A folder with these files; a value that is not text is written as JSON. */
function folderWith(files: Record<string, unknown> = {}): string {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    const isBytes = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(join(folder, name), isBytes ? content : JSON.stringify(content));
  }
  return folder;
}

/** Reads one config file of this content. */
function read(
  content: unknown,
  environment: Record<string, string> = {},
  name = 'bifrost.jsonc',
): Promise<LoadedConfig> {
  return readConfig(name, { cwd: folderWith({ [name]: content }), environment });
}

async function linesOf(content: unknown, environment: Record<string, string> = {}): Promise<string[]> {
  return linesIn((await read(content, environment)).problems);
}

function linesIn(problems: Problems): string[] {
  return problems
    .render()
    .split('\n')
    .slice(1)
    .map((line) => line.replace('  ✖ ', ''));
}

function failsWith(code: Code, text: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isGatewayError(error), String(error));
    assert.equal(error.code, code);
    assert.match(error.text, text);
    return true;
  };
}

/** The options of the plugin `p` in a config, as its schema gives them, and every problem line. */
async function check(schema: unknown, options: unknown, environment: Record<string, string> = {}) {
  const loaded = await read({ plugins: { p: options } }, environment);
  const entry = loaded.config.plugins['p'];
  assert.ok(entry);
  const result = await checkOptions({ plugin: 'p', schema, options: entry.options, problems: loaded.problems });
  return { result, lines: linesIn(loaded.problems).map((line) => line.replace(/^\d+:\d+ /, '')) };
}

describe('reading a config file', () => {
  test('accepts comments and trailing commas', async () => {
    const { config, problems } = await read(`{
      // one line
      "server": { "port": 1234, }, /* and
      many */ "plugins": { "routes/openai": { "a": [1, 2,], }, },
    }`);
    assert.equal(problems.count, 0);
    assert.equal(config.server.port, 1234);
    assert.deepEqual(config.plugins['routes/openai'], { failOpen: false, options: { a: [1, 2] } });
  });

  test('fills in every default', async () => {
    const { config, problems, baseDir } = await read({ plugins: {} });
    problems.throwIfAny();
    assert.deepEqual(config, {
      server: {
        host: '127.0.0.1',
        port: 8080,
        workers: 1,
        limits: {
          bodyBytes: 104_857_600,
          uploadBytes: 8_589_934_592,
          headerBytes: 65_536,
          jsonDepth: 512,
          bodyTimeoutMs: 60_000,
          bufferBytes: 1_048_576,
        },
        keepAliveCommentMs: 15_000,
        drainMs: 30_000,
        allowCrossSite: false,
      },
      log: { level: 'info' },
      admin: { tokens: [] },
      hookTimeoutMs: 10_000,
      plugins: {},
      dataDir: join(baseDir, '.bifrost'),
    });
  });

  test('ignores a byte order mark', async () => {
    const { config, problems } = await read('\uFEFF{ "plugins": {}, "server": { "port": 1 } }');
    assert.equal(problems.count, 0);
    assert.equal(config.server.port, 1);
  });

  test('counts columns from behind the byte order mark', async () => {
    assert.deepEqual(await linesOf('\uFEFF{ "plugin": {}, "plugins": {} }'), [
      '1:3 plugin: unknown key; did you mean plugins?',
    ]);
  });

  for (const [name, content] of Object.entries({
    'an empty file': '',
    'a file of white space': ' \n\t\n',
    'a file of comments': '// nothing\n/* here */\n',
  })) {
    test(`says that ${name} is empty`, async () => {
      await assert.rejects(
        read(content),
        failsWith('CFG_INVALID', /^bifrost\.jsonc has 1 problem\n {2}✖ 1:1 the file is empty; expected an object$/),
      );
    });
  }

  test('reports the syntax error of every line with its place', async () => {
    await assert.rejects(
      read('{\n  "server": { port: 1 },\n  "log": {} "dataDir": "x",\n  "plugins": {}\n'),
      failsWith(
        'CFG_INVALID',
        /^bifrost\.jsonc has 3 problems\n {2}✖ 2:15 this is not a JSON value.*\n {2}✖ 3:13 expected a comma\n {2}✖ 5:1 expected a closing \}$/,
      ),
    );
  });

  test('says that a top level which is no object must be one', async () => {
    assert.deepEqual(await linesOf('[1]'), ['1:1 expected an object, got a list']);
  });

  test('reports a key that stands twice in one object', async () => {
    const lines = await linesOf(`{
  "plugins": {
    "p": { "list": [{ "a": 1, "a": 2 }] },
    "p": {}
  }
}`);
    assert.deepEqual(lines, [
      '3:31 plugins.p.list[0].a: this key stands here twice; the first is in line 3',
      '4:5 plugins.p: this key stands here twice; the first is in line 3',
    ]);
  });

  test('keeps a key named __proto__ an ordinary, unknown one', async () => {
    const lines = await linesOf('{ "__proto__": { "server": {} }, "plugins": {} }');
    assert.deepEqual(lines, ['1:3 __proto__: unknown key']);
  });

  test('names the reason when the file cannot be read', async () => {
    const cwd = folderWith({ 'latin1.json': new Uint8Array([0x7b, 0xe4, 0x7d]) });
    mkdirSync(join(cwd, 'folder.jsonc'));
    symlinkSync('loop.jsonc', join(cwd, 'loop.jsonc'));
    const reasons = {
      'folder.jsonc': /The config folder\.jsonc cannot be read: it is a directory\./,
      'absent.jsonc': /there is no such file/,
      'absent.ts': /there is no such file/,
      'loop.jsonc': /symbolic links go round/,
      'latin1.json': /not UTF-8 text/,
    };
    for (const [name, reason] of Object.entries(reasons)) {
      await assert.rejects(readConfig(name, { cwd }), failsWith('CFG_UNREADABLE', reason));
    }
  });

  test('refuses a file that nests without end, or a module that contains itself', async () => {
    const circle = 'const config = { plugins: { p: {} } }; config.plugins.p.again = config; export default config';
    const reason = failsWith('CFG_UNREADABLE', /it nests too deeply, or in a circle/);
    await assert.rejects(read('['.repeat(200_000)), reason);
    await assert.rejects(read(circle, {}, 'bifrost.config.ts'), reason);
  });

  const isRoot = process.getuid?.() === 0;
  test('says that it lacks the permission to read the file', {
    skip: isRoot && 'root may read everything',
  }, async () => {
    const cwd = folderWith({ 'bifrost.jsonc': { plugins: {} } });
    chmodSync(join(cwd, 'bifrost.jsonc'), 0);
    await assert.rejects(readConfig(undefined, { cwd }), failsWith('CFG_UNREADABLE', /no permission to read it/));
  });
});

describe('finding the config file', () => {
  test('prefers bifrost.jsonc to bifrost.json to bifrost.config.ts', async () => {
    const cwd = folderWith({
      'bifrost.jsonc': { plugins: {} },
      'bifrost.json': { plugins: {} },
      'bifrost.config.ts': 'export default { plugins: {} }',
    });
    for (const name of ['bifrost.jsonc', 'bifrost.json', 'bifrost.config.ts']) {
      assert.equal((await readConfig(undefined, { cwd, environment: {} })).source, name);
      rmSync(join(cwd, name));
    }
  });

  const hasDefault = existsSync(new URL('../../kernel/default.config.jsonc', import.meta.url));
  test('reads the built-in default config where there is none, which has no problems without any variable', {
    skip: !hasDefault && 'kernel/default.config.jsonc is not there yet',
  }, async () => {
    const cwd = folderWith();
    const loaded = await readConfig(undefined, { cwd, environment: {} });
    loaded.problems.throwIfAny();
    assert.equal(loaded.source, 'default.config.jsonc');
    assert.equal(loaded.baseDir, cwd);
    assert.equal(loaded.config.dataDir, join(cwd, '.bifrost'));
  });

  test('takes the data folder from the config, else from BIFROST_DATA_DIR, else from beside the config', async () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'sub'));
    const write = (config: object) => writeFileSync(join(cwd, 'sub/c.json'), JSON.stringify(config));
    const dataDir = async (environment: Record<string, string>) =>
      (await readConfig('sub/c.json', { cwd, environment })).config.dataDir;
    write({ dataDir: 'data', plugins: {} });
    assert.equal(await dataDir({ BIFROST_DATA_DIR: 'other' }), join(cwd, 'sub/data'));
    write({ plugins: {} });
    assert.equal(await dataDir({ BIFROST_DATA_DIR: 'other' }), join(cwd, 'other'));
    assert.equal(await dataDir({ BIFROST_DATA_DIR: '' }), join(cwd, 'sub/.bifrost'));
  });
});

describe('a config in TypeScript', () => {
  const ts = (content: string, environment: Record<string, string> = {}) =>
    read(content, environment, 'bifrost.config.ts');

  test('may export an object, whose references are replaced', async () => {
    const { config, problems } = await ts(
      'const port: number = 99; export default { server: { port }, plugins: { p: { key: "env.KEY" } } };',
      { KEY: 'k' },
    );
    problems.throwIfAny();
    assert.equal(config.server.port, 99);
    assert.deepEqual(config.plugins['p'], { failOpen: false, options: { key: 'k' } });
  });

  test('may export a function, async or not', async () => {
    for (const keyword of ['', 'async ']) {
      const { config } = await ts(
        `export default ${keyword}function config() { return { server: { port: 7 }, plugins: {} } }`,
      );
      assert.equal(config.server.port, 7);
    }
  });

  test('leaves functions and class instances in options as they are', async () => {
    const { config } = await ts('export default { plugins: { p: { at: new Date(0), pick: () => 3 } } }');
    const entry = config.plugins['p'];
    assert.ok(entry);
    assert.ok(entry.options['at'] instanceof Date);
    assert.equal((entry.options['pick'] as () => number)(), 3);
  });

  test('reports problems by path alone', async () => {
    const { problems } = await ts('export default { server: { prot: 1 }, plugins: {} }');
    assert.equal(
      problems.render(),
      'bifrost.config.ts has 1 problem\n  ✖ server.prot: unknown key; did you mean port?',
    );
  });

  test('is read anew once the file changed', async () => {
    const cwd = folderWith({ 'c.ts': 'export default { server: { port: 1 }, plugins: {} }' });
    assert.equal((await readConfig('c.ts', { cwd })).config.server.port, 1);
    writeFileSync(join(cwd, 'c.ts'), 'export default { server: { port: 2 }, plugins: {} }');
    utimesSync(join(cwd, 'c.ts'), 1, 1);
    assert.equal((await readConfig('c.ts', { cwd })).config.server.port, 2);
  });

  test('is unreadable when it throws, does not parse or exports nothing', async () => {
    await assert.rejects(ts('throw new Error("no luck.")'), failsWith('CFG_UNREADABLE', /cannot be read: no luck\.$/));
    await assert.rejects(ts('export default {'), failsWith('CFG_UNREADABLE', /bifrost\.config\.ts cannot be read/));
    await assert.rejects(ts('export const a = 1'), failsWith('CFG_UNREADABLE', /it has no default export/));
    await assert.rejects(ts('export default () => { throw 3 }'), failsWith('CFG_UNREADABLE', /: 3\.$/));
  });
});

describe('references', () => {
  const optionsOf = async (options: unknown, environment: Record<string, string>) => {
    const { config, problems } = await read({ plugins: { p: options } }, environment);
    problems.throwIfAny();
    return (config.plugins['p'] as { options: unknown }).options;
  };

  test('are replaced at any depth, in objects and lists', async () => {
    const environment = { A: 'one', B_2: 'two', lower: 'three' };
    assert.deepEqual(
      await optionsOf({ a: 'env.A', b: [{ c: ['env.B_2', 'x'] }], d: { e: 'env.lower' } }, environment),
      {
        a: 'one',
        b: [{ c: ['two', 'x'] }],
        d: { e: 'three' },
      },
    );
  });

  test('give numbers where the top level wants one and the text is a whole number', async () => {
    const environment = { PORT: '9090', WORKERS: '4', DRAIN: '0', BODY: '1024', HOST: '1', HOOK: '500' };
    const { config, problems } = await read(
      {
        server: {
          host: 'env.HOST',
          port: 'env.PORT',
          workers: 'env.WORKERS',
          drainMs: 'env.DRAIN',
          limits: { bodyBytes: 'env.BODY' },
        },
        hookTimeoutMs: 'env.HOOK',
        plugins: {},
      },
      environment,
    );
    problems.throwIfAny();
    const { host, port, workers, drainMs, limits } = config.server;
    assert.deepEqual(
      { host, port, workers, drainMs, bodyBytes: limits.bodyBytes, hookTimeoutMs: config.hookTimeoutMs },
      { host: '1', port: 9090, workers: 4, drainMs: 0, bodyBytes: 1024, hookTimeoutMs: 500 },
    );
    assert.equal((await read({ server: { port: 'env.NONE?' }, plugins: {} })).config.server.port, 8080);
  });

  test('give no number where the text is none, or out of range, or written into the file itself', async () => {
    for (const [port, got] of [
      ['env.P', '[from env.P]'],
      ['8080', '"8080"'],
    ])
      for (const P of ['80a', '', '-1', '1.5', '99999', '0x50', '1e3', ' 80']) {
        const expected =
          P === '' && port === 'env.P'
            ? 'the environment variable P is empty'
            : `expected a number from 0 to 65535, got ${got}`;
        const lines = await linesOf({ server: { port }, plugins: {} }, { P });
        assert.deepEqual(
          lines.map((line) => line.replace(/^\d+:\d+ /, '')),
          [`server.port: ${expected}`],
        );
      }
  });

  test('are whole strings only', async () => {
    const options = { a: 'my env.A', b: 'env.A and more', c: 'env.', d: 'profile:x', 'env.A': 1 };
    assert.deepEqual(await optionsOf(options, { A: 'one' }), options);
  });

  test('are not looked for in what references gave', async () => {
    assert.deepEqual(await optionsOf({ a: 'env.A' }, { A: 'env.B' }), { a: 'env.B' });
  });

  test('read files relative to the config, without the newline at the end', async () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'etc'));
    writeFileSync(
      join(cwd, 'etc/c.json'),
      JSON.stringify({ plugins: { p: { a: 'file:key.txt', b: 'file:two.txt' } } }),
    );
    writeFileSync(join(cwd, 'etc/key.txt'), 'sk-1\r\n');
    writeFileSync(join(cwd, 'etc/two.txt'), 'x\ny\n\n');
    const { config, files } = await readConfig('etc/c.json', { cwd });
    assert.deepEqual(config.plugins['p'], { failOpen: false, options: { a: 'sk-1', b: 'x\ny\n' } });
    assert.deepEqual(
      files,
      ['etc/c.json', 'etc/key.txt', 'etc/two.txt'].map((name) => join(cwd, name)),
    );
  });

  test('report each variable and file that is not there, with its path and place', async () => {
    const lines = await linesOf(
      `{
  "admin": { "tokens": [{ "name": "a", "value": "env.NOPE", "scopes": ["read"] }] },
  "plugins": {
    "p": { "keys": ["env.EMPTY", "file:absent.txt", "file:."] }
  }
}`,
      { EMPTY: '' },
    );
    assert.deepEqual(lines, [
      '2:49 admin.tokens[0].value: the environment variable NOPE is not set',
      '4:21 plugins.p.keys[0]: the environment variable EMPTY is empty',
      '4:34 plugins.p.keys[1]: the file absent.txt cannot be read: there is no such file',
      '4:53 plugins.p.keys[2]: the file . cannot be read: it is a directory',
    ]);
  });

  test('that fail are reported once, not again by the schema', async () => {
    const { lines } = await check(z.strictObject({ url: z.url() }), { url: 'env.NOPE' });
    assert.deepEqual(lines, ['plugins.p.url: the environment variable NOPE is not set']);
  });

  test('spelt with a question mark leave out the member or list element that they are', async () => {
    assert.deepEqual(await optionsOf({ a: 'env.A?', b: 'env.B?', c: ['env.A?', 'x', 'env.B?'] }, { B: 'b' }), {
      b: 'b',
      c: ['x', 'b'],
    });
  });

  test('spelt with a question mark leave out a list element that has no other reference', async () => {
    const keys = [
      { name: 'main', value: 'env.MAIN?' },
      { name: 'aws', accessKeyId: 'env.ID?', sessionToken: 'env.SESSION?', nested: { a: 'x' } },
      { name: 'fixed', value: 'sk' },
    ];
    assert.deepEqual(await optionsOf({ keys }, {}), { keys: [{ name: 'fixed', value: 'sk' }] });
    assert.deepEqual(await optionsOf({ keys }, { ID: 'id' }), {
      keys: [{ name: 'aws', accessKeyId: 'id', nested: { a: 'x' } }, keys[2]],
    });
  });

  test('that leave elements out do not shift the paths and places of messages', async () => {
    const { problems, config } = await read(
      `{ "plugins": { "p": { "keys": [
  { "value": "env.A?" },
  { "value": "env.B" , "wieght": 1 }
] } } }`,
      { B: 'sk-secret' },
    );
    const schema = z.strictObject({
      keys: z.array(z.strictObject({ value: z.string().max(3), weight: z.int().optional() })),
    });
    const entry = config.plugins['p'];
    assert.ok(entry);
    await checkOptions({ plugin: 'p', schema, options: entry.options, problems });
    assert.deepEqual(linesIn(problems), [
      '3:14 plugins.p.keys[1].value: expected at most 3 characters, got [from env.B]',
      '3:24 plugins.p.keys[1].wieght: unknown key; did you mean weight?',
    ]);
  });

  test('leave $schema alone, where file: is a URL for the editor', async () => {
    assert.deepEqual(await linesOf({ $schema: 'file:///x/schema.json', plugins: {} }), []);
  });
});

describe('secret values', () => {
  const secret = 'sk-very-secret-0123456789';

  test('that came from references never show in a message', async () => {
    const schema = z.strictObject({
      value: z.string().refine((text) => text === '', { error: (issue) => `bad value ${issue.input}` }),
      mode: z.enum(['a', 'b']),
      list: z.array(z.number()),
    });
    const { lines } = await check(schema, { value: 'env.S', mode: 'env.S', list: ['env.S'] }, { S: secret });
    assert.deepEqual(lines, [
      'plugins.p.value: bad value [from env.S], got [from env.S]',
      'plugins.p.mode: expected "a" or "b", got [from env.S]',
      'plugins.p.list[0]: expected a number, got [from env.S]',
    ]);
  });

  test('do not show when a check of a neighbour or of the whole quotes them', async () => {
    const schema = z
      .strictObject({ a: z.string(), b: z.string() })
      .superRefine(({ a }, context) => context.addIssue({ code: 'custom', path: ['b'], message: `must not be ${a}` }))
      .refine(() => false, { error: ({ input }) => JSON.stringify(input) });
    const { lines } = await check(schema, { a: 'env.S', b: 'x' }, { S: secret });
    assert.equal(lines.join('\n').includes(secret), false);
    assert.match(lines.join('\n'), /must not be \[from env\.S\]/);
  });

  test('do not show in a message about the whole config', async () => {
    const { problems } = await read({ plugins: { p: { a: 'env.S' } } }, { S: secret });
    problems.add([], `cannot use ${secret}`);
    assert.deepEqual(linesIn(problems), ['1:1 cannot use [from env.S]']);
  });

  test('do not show when a schema throws them', async () => {
    const schema = z.strictObject({ json: z.string().transform((text) => JSON.parse(text)) });
    const { lines, result } = await check(schema, { json: 'env.S' }, { S: secret });
    assert.deepEqual(lines, ['plugins.p: its options cannot be checked, since their schema fails']);
    assert.equal(result, undefined);
  });

  test('do not show in what ajv says', async () => {
    const schema = { type: 'object', properties: { value: { type: 'string', maxLength: 3 }, n: { type: 'number' } } };
    const { lines } = await check(schema, { value: 'env.S', n: 'env.S' }, { S: secret });
    assert.equal(lines.length, 2);
    assert.equal(lines.join('\n').includes(secret), false);
  });

  test('written into the file do not show where the name of the member sounds secret', async () => {
    const schema = z.strictObject({
      keys: z.array(z.strictObject({ value: z.string().max(1) })),
      apiKey: z.string().max(1),
      password: z.string(),
      maxTokens: z.string(),
    });
    const options = { keys: [secret, { value: secret }], apiKey: secret, password: 123456, maxTokens: 5 };
    const { lines } = await check(schema, options);
    assert.deepEqual(lines, [
      'plugins.p.keys[0]: expected an object, got [hidden]',
      'plugins.p.keys[1].value: expected at most 1 character, got [hidden]',
      'plugins.p.apiKey: expected at most 1 character, got [hidden]',
      'plugins.p.password: expected text, got [hidden]',
      'plugins.p.maxTokens: expected text, got 5',
    ]);
  });

  test('of the top level are Secret values', async () => {
    const tokens = [{ name: 'ops', value: 'env.S', scopes: ['read', 'write'] }];
    const { config, problems } = await read(
      { server: { tls: { cert: 'PEM', key: 'env.S' } }, admin: { tokens }, plugins: {} },
      { S: secret },
    );
    problems.throwIfAny();
    const { key } = config.server.tls ?? {};
    assert.ok(key instanceof Secret);
    assert.equal(Secret.reveal(key), secret);
    assert.equal(JSON.stringify(config).includes(secret), false);
  });
});

describe('reporting problems', () => {
  test('gives all of them at once, in the order of the file', async () => {
    const loaded = await read(`{
  "plugins": {
    "routes/openai": {
      "prefx": "/openai",
      "failOpen": { "postLog": true }
    },
    "x": true,
    "./my-plugin.ts": { "size": "big" }
  },
  "server": {
    "port": "80a",
    "workers": "atuo",
    "limits": { "bodyByte": 1, "jsonDepth": 0 }
  },
  "log": { "format": "prety" },
  "hookTimeoutMs": 1.5
}`);
    const { config, problems } = loaded;
    const schemas = {
      'routes/openai': z.strictObject({ prefix: z.string().optional() }),
      './my-plugin.ts': { type: 'object', properties: { size: { type: 'integer' } }, required: ['name'] },
    };
    for (const [plugin, schema] of Object.entries(schemas)) {
      const entry = config.plugins[plugin];
      assert.ok(entry);
      await checkOptions({ plugin, schema, options: entry.options, problems });
    }
    const expected = `bifrost.jsonc has 10 problems
  ✖ 4:7 plugins["routes/openai"].prefx: unknown key; did you mean prefix?
  ✖ 7:10 plugins.x: expected an object of options, or false, got true
  ✖ 8:23 plugins["./my-plugin.ts"].name: is missing
  ✖ 8:33 plugins["./my-plugin.ts"].size: expected a whole number, got "big"
  ✖ 11:13 server.port: expected a number from 0 to 65535, got "80a"
  ✖ 12:16 server.workers: expected a whole number from 1 or "auto", got "atuo"
  ✖ 13:17 server.limits.bodyByte: unknown key; did you mean bodyBytes?
  ✖ 13:45 server.limits.jsonDepth: expected a number from 1 to 512, got 0
  ✖ 15:22 log.format: expected "json" or "pretty", got "prety"; did you mean "pretty"?
  ✖ 16:20 hookTimeoutMs: expected a whole number from 1, got 1.5`;
    assert.equal(problems.render(), expected);
    assert.throws(
      () => problems.throwIfAny(),
      (error) => isGatewayError(error) && error.code === 'CFG_INVALID' && error.text === expected,
    );
  });

  test('says that plugins are missing', async () => {
    assert.deepEqual(await linesOf('{}'), ['1:1 plugins: is missing; expected an object']);
  });

  test('looks into the reserved keys of a plugin', async () => {
    const lines = await linesOf({ plugins: { p: { use: 1, failOpen: { preRout: true }, hookTimeoutMs: 0 } } });
    assert.deepEqual(
      lines.map((line) => line.replace(/^\d+:\d+ /, '')),
      [
        'plugins.p.use: expected text, got 1',
        'plugins.p.failOpen.preRout: unknown key; did you mean preRoute?',
        'plugins.p.hookTimeoutMs: expected a whole number from 1, got 0',
      ],
    );
  });

  test('keeps what is right usable for further checks', async () => {
    const { config } = await read({
      server: { port: 'x', host: 'h' },
      nope: 1,
      log: { level: 'warn' },
      plugins: { a: 1, b: {} },
    });
    assert.equal(config.server.port, 8080);
    assert.equal(config.log.level, 'warn');
    assert.deepEqual(Object.keys(config.plugins), ['b']);
    assert.equal('nope' in config, false);
  });

  test('does nothing when there are none', () => {
    new Problems('x.json').throwIfAny();
  });

  test('checks a value that is in no file', () => {
    const origin = { source: 'the config', baseDir: root, cwd: root, environment: {} };
    const { problems } = loadConfig({ plugins: {}, sever: {} }, origin);
    assert.equal(problems.render(), 'the config has 1 problem\n  ✖ sever: unknown key; did you mean server?');
  });

  test('points at the first character of every key and value, whatever the line ends', () => {
    for (const newline of ['\n', '\r\n', '\r']) {
      const { tree } = parseSource(['{', '  "a": [', '    1, {"b": null}', '  ]', '}'].join(newline));
      assert.deepEqual(tree.position(['a'], 'key'), { line: 2, column: 3 });
      assert.deepEqual(tree.position(['a'], 'value'), { line: 2, column: 8 });
      assert.deepEqual(tree.position(['a', 1, 'b'], 'key'), { line: 3, column: 9 });
      assert.deepEqual(tree.position(['a', 1, 'b'], 'value'), { line: 3, column: 14 });
      assert.deepEqual(tree.position(['a', 7, 'b'], 'value'), { line: 2, column: 8 });
      assert.deepEqual(tree.position(['absent'], 'key'), { line: 1, column: 1 });
    }
  });

  test('writes paths as code does', () => {
    assert.equal(
      formatPath(['plugins', 'routes/openai', 'keys', 0, 'a"b', '0']),
      'plugins["routes/openai"].keys[0]["a\\"b"]["0"]',
    );
  });
});

describe('options of a plugin with a zod schema', () => {
  test('come back parsed, with defaults and transforms', async () => {
    const schema = z.strictObject({ a: z.number().default(3), b: z.string().transform(async (text) => text.length) });
    assert.deepEqual(await check(schema, { b: 'four' }), { result: { a: 3, b: 4 }, lines: [] });
  });

  test('do not contain the reserved keys', async () => {
    const { result, lines } = await check(z.strictObject({}), { use: 'x', failOpen: true, hookTimeoutMs: 5 });
    assert.deepEqual(result, {});
    assert.deepEqual(lines, []);
  });

  test('refuse unknown keys with a suggestion at any depth', async () => {
    const schema = z.strictObject({
      keys: z.array(z.strictObject({ weight: z.number().optional() })).optional(),
      byName: z.record(z.string(), z.strictObject({ limit: z.number().optional() })).optional(),
    });
    const { lines } = await check(schema, { keys: [{ wieght: 1 }], byName: { x: { limits: 1 } }, qqq: 1 });
    assert.deepEqual(lines.sort(), [
      'plugins.p.byName.x.limits: unknown key; did you mean limit?',
      'plugins.p.keys[0].wieght: unknown key; did you mean weight?',
      'plugins.p.qqq: unknown key',
    ]);
  });

  test('refuse unknown keys at the top when the object is neither strict nor loose', async () => {
    const bare = z.object({ prefix: z.string().optional() });
    for (const schema of [bare, bare.optional(), bare.refine(() => true), bare.transform((value) => value)]) {
      const { result, lines } = await check(schema, { prefx: 'x' });
      assert.deepEqual(lines, ['plugins.p.prefx: unknown key; did you mean prefix?']);
      assert.equal(result, undefined);
    }
  });

  test('accept unknown keys when the object is loose or has a catch-all', async () => {
    for (const schema of [z.looseObject({}), z.object({}).catchall(z.number())]) {
      assert.deepEqual(await check(schema, { any: 1 }), { result: { any: 1 }, lines: [] });
    }
  });

  test('name what is expected and what was got', async () => {
    const schema = z.strictObject({
      text: z.string(),
      list: z.array(z.string()).min(2),
      map: z.record(z.string(), z.boolean()),
      rate: z.number().gt(0).lte(1),
      step: z.number().multipleOf(5),
      url: z.url(),
      id: z.string().regex(/^[a-z]+$/),
      one: z.literal('x'),
      own: z.string('expected the name of a model'),
      lost: z.int(),
    });
    const options = { text: null, list: ['a'], map: 'm', rate: 0, step: 7, url: 'no', id: '1', one: 2, own: [] };
    assert.deepEqual((await check(schema, options)).lines, [
      'plugins.p.lost: is missing; expected a number',
      'plugins.p.text: expected text, got null',
      'plugins.p.list: expected at least 2 elements, got a list',
      'plugins.p.map: expected an object, got "m"',
      'plugins.p.rate: expected more than 0, got 0',
      'plugins.p.step: expected a multiple of 5, got 7',
      'plugins.p.url: expected a URL, got "no"',
      'plugins.p.id: expected text in the form /^[a-z]+$/, got "1"',
      'plugins.p.one: expected "x", got 2',
      'plugins.p.own: expected the name of a model, got an empty list',
    ]);
  });

  test('refuse a credential that is empty, or spelt as a shell spells a variable', async () => {
    const schema = z.strictObject({ keys: z.array(z.strictObject({ value: secretString })) });
    const braced = (name: string): string => `\${${name}}`;
    const spelt = ['$OPENAI_API_KEY', braced('OPENAI_API_KEY'), braced('env:KEY_2')];
    const values = ['', ...spelt, '$ecret', 'pa$$WORD', braced('')];
    const { lines } = await check(schema, { keys: values.map((value) => ({ value })) });
    const advice = (name: string): string => `expected env.${name}: that is how the config names a variable`;
    assert.deepEqual(lines, [
      'plugins.p.keys[0].value: expected a credential, best as env.NAME or file:PATH, got [hidden]',
      `plugins.p.keys[1].value: ${advice('OPENAI_API_KEY')}, got [hidden]`,
      `plugins.p.keys[2].value: ${advice('OPENAI_API_KEY')}, got [hidden]`,
      `plugins.p.keys[3].value: ${advice('KEY_2')}, got [hidden]`,
    ]);
  });

  test('report the alternative that comes nearest', async () => {
    const schema = z.strictObject({
      auth: z.union([
        z.strictObject({ user: z.string(), pass: z.string() }),
        z.strictObject({ header: z.string() }),
        z.literal('none'),
      ]),
      store: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('disk') }),
        z.strictObject({ kind: z.literal('memory') }),
      ]),
      size: z.union([z.number(), z.literal('auto')]),
    });
    const { lines } = await check(schema, { auth: { header: 3 }, store: { kind: 'dsik' }, size: true });
    assert.deepEqual(lines, [
      'plugins.p.auth.header: expected text, got 3',
      'plugins.p.store.kind: expected "disk" or "memory", got "dsik"; did you mean "disk"?',
      'plugins.p.size: expected a number or "auto", got true',
    ]);
  });

  test('name the fault of a schema that throws', async () => {
    const schema = z.strictObject({}).transform(() => {
      throw new Error('boom');
    });
    const { lines } = await check(schema, {});
    assert.deepEqual(lines, ['plugins.p: its options cannot be checked, since their schema fails: boom']);
  });
});

describe('options of a plugin with a JSON Schema', () => {
  const schema = {
    type: 'object',
    properties: {
      size: { type: 'integer', minimum: 1, default: 4 },
      mode: { enum: ['fast', 'safe'] },
      keys: { type: 'array', items: { $ref: '#/$defs/key' } },
      auth: { anyOf: [{ const: 'none' }, { $ref: '#/$defs/key' }] },
      home: { type: 'string', format: 'uri' },
    },
    required: ['mode'],
    additionalProperties: false,
    $defs: {
      key: {
        type: 'object',
        properties: { name: { type: 'string' } },
        required: ['name'],
        additionalProperties: false,
      },
    },
  };

  test('come back with defaults', async () => {
    assert.deepEqual(await check(schema, { mode: 'fast' }), { result: { mode: 'fast', size: 4 }, lines: [] });
  });

  test('report every problem with path, what was got and a suggestion', async () => {
    const { lines, result } = await check(schema, {
      size: 'big',
      mode: 'fsat',
      sise: 1,
      keys: [{ nmae: 'x' }, 5],
      auth: 7,
      home: 'nowhere',
    });
    assert.equal(result, undefined);
    assert.deepEqual(lines, [
      'plugins.p.size: expected a whole number, got "big"',
      'plugins.p.mode: expected "fast" or "safe", got "fsat"; did you mean "fast"?',
      'plugins.p.sise: unknown key; did you mean size?',
      'plugins.p.keys[0].name: is missing',
      'plugins.p.keys[0].nmae: unknown key; did you mean name?',
      'plugins.p.keys[1]: expected an object, got 5',
      'plugins.p.auth: expected one of the forms that the schema allows, got 7',
      'plugins.p.home: must match format "uri", got "nowhere"',
    ]);
  });

  test('report what is wrong inside the alternative that fits', async () => {
    const { lines } = await check(schema, { mode: 'fast', auth: { name: 3 } });
    assert.deepEqual(lines, ['plugins.p.auth.name: expected text, got 3']);
  });

  test('refuse unknown keys at the top when the schema leaves them open by omission', async () => {
    const { lines } = await check({ type: 'object', properties: { size: {} } }, { siez: 1 });
    assert.deepEqual(lines, ['plugins.p.siez: unknown key; did you mean size?']);
    assert.deepEqual((await check({ properties: { size: {} }, additionalProperties: true }, { siez: 1 })).lines, []);
  });

  test('follow draft-07 when the schema says so', async () => {
    const draft7 = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false } },
    };
    assert.deepEqual((await check(draft7, { pair: ['a', 1] })).lines, []);
    assert.deepEqual((await check(draft7, { pair: ['a', 'b'] })).lines, [
      'plugins.p.pair[1]: expected a number, got "b"',
    ]);
  });

  test('may share an $id with another plugin', async () => {
    const withId = { $id: 'https://example.com/options', type: 'object' };
    for (let times = 0; times < 2; times++) assert.deepEqual((await check(withId, {})).lines, []);
  });

  test('name the fault of a schema that is none', async () => {
    assert.match(
      (await check({ type: 'objekt' }, {})).lines.join(),
      /^plugins\.p: its options cannot be checked, since their schema fails: /,
    );
    assert.match((await check({ requird: [] }, {})).lines.join(), /unknown keyword: "requird"/);
    assert.match((await check(undefined, {})).lines.join(), /neither a zod schema nor a JSON Schema/);
  });
});

describe('did you mean', () => {
  test('finds slips of the finger and other spellings', () => {
    const known = ['prefix', 'baseUrl', 'requestsPerMinute', 'port', 'models'];
    const slips = {
      prefx: 'prefix',
      perfix: 'prefix',
      base_url: 'baseUrl',
      baseURL: 'baseUrl',
      prot: 'port',
      requestPerMinutes: 'requestsPerMinute',
    };
    for (const [slip, meant] of Object.entries(slips)) assert.equal(didYouMean(slip, known), meant);
  });

  test('suggests nothing that is far away', () => {
    assert.equal(didYouMean('rpm', ['requestsPerMinute', 'port']), undefined);
    assert.equal(didYouMean('a', ['b', 'c']), undefined);
    assert.equal(didYouMean('anything', []), undefined);
    assert.equal(didYouMean('', ['a']), undefined);
  });

  test('counts insertions, deletions, substitutions and swaps of neighbours', () => {
    assert.deepEqual(
      [
        ['', 'abc'],
        ['abc', 'ab'],
        ['abc', 'axc'],
        ['abcd', 'acbd'],
        ['kitten', 'sitting'],
        ['ca', 'abc'],
      ].map(([a, b]) => editDistance(a!, b!)),
      [3, 1, 1, 1, 3, 3],
    );
  });

  test('measures the same both ways, and nothing only between equals', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
      }),
    );
  });
});

describe('the JSON Schema of the config', () => {
  const plugins = [
    {
      id: 'routes/openai',
      options: z.strictObject({ prefix: z.string().default('/openai') }),
      description: 'The OpenAI API.',
    },
    {
      id: './mine.ts',
      options: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $id: 'mine',
        type: 'object',
        properties: { keys: { type: 'array', items: { $ref: '#/$defs/key' } } },
        $defs: { key: { type: 'string' } },
      },
    },
    { id: 'either', options: z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]) },
  ];

  async function validator() {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    return new Ajv2020({ strict: false }).compile(configSchema(plugins));
  }

  test('accepts what the config reader accepts', async () => {
    const validate = await validator();
    const config = {
      $schema: './bifrost.schema.json',
      server: { port: 1, workers: 'auto', tls: { cert: 'file:a', key: 'file:b' } },
      plugins: {
        'routes/openai': { failOpen: { postLog: true }, hookTimeoutMs: 5 },
        './mine.ts': { keys: ['env.A'], use: 'x' },
        either: { b: 'x', failOpen: true },
        other: { anything: 1 },
        off: false,
      },
    };
    assert.ok(validate(config), JSON.stringify(validate.errors));
  });

  test('refuses unknown keys and wrong values, in options too', async () => {
    const validate = await validator();
    const wrong = [
      {},
      { plugins: {}, sever: {} },
      { plugins: {}, server: { port: 70000 } },
      { plugins: { 'routes/openai': { prefx: 'x' } } },
      { plugins: { './mine.ts': { keys: [1] } } },
      { plugins: { './mine.ts': { kyes: [] } } },
      { plugins: { either: { a: 'x', b: 'y' } } },
      { plugins: { 'routes/openai': true } },
    ];
    for (const config of wrong) assert.equal(validate(config), false, JSON.stringify(config));
  });

  test('describes every field of the top level', () => {
    const undescribed: string[] = [];
    const visit = (schema: unknown, path: string) => {
      const { properties = {}, items } = schema as {
        properties?: Record<string, { description?: string }>;
        items?: unknown;
      };
      if (items) visit(items, `${path}[]`);
      for (const [name, member] of Object.entries(properties)) {
        if (!member.description) undescribed.push(`${path}.${name}`);
        visit(member, `${path}.${name}`);
      }
    };
    visit(configSchema([]), '');
    assert.deepEqual(undescribed, []);
  });

  test('carries the description of a plugin', () => {
    const { $defs } = configSchema(plugins) as { $defs: Record<string, { description?: string }> };
    assert.equal($defs['routes/openai']?.description, 'The OpenAI API.');
  });
});
