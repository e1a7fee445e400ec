import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { specs } from '../plugin-sdk/error-table.ts';

/** The rules that keep the whole in shape, checked on the files themselves. */

const root = resolve(import.meta.dirname, '..');
const rooms = ['kernel', 'plugin-sdk', 'routes', 'providers', 'plugins'] as const;

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const sources = rooms.flatMap(filesUnder);
const textOf = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

interface Import {
  readonly file: string;
  readonly target: string;
  /** Loaded later, or a type named in passing. */
  readonly dynamic: boolean;
}

const imports: Import[] = sources.flatMap((file) =>
  [...textOf.get(file)!.matchAll(/(?:^|\n)(import|export)( type)?[^'";]*? from '([^']+)'|import\('([^']+)'\)/g)].map(
    (match) => {
      const specifier = match[3] ?? match[4]!;
      const target = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier;
      return { file, target, dynamic: match[4] !== undefined };
    },
  ),
);

const roomOf = (path: string): string => path.split('/')[0]!;
const internal = imports.filter(({ target }) => (rooms as readonly string[]).includes(roomOf(target)));

test('imports point one way: kernel → plugin-sdk ← routes, providers, plugins', () => {
  const wrong = internal.filter(({ file, target }) => {
    const from = roomOf(file);
    const to = roomOf(target);
    if (from === to || to === 'plugin-sdk') return false;
    if (file.startsWith('plugin-sdk/testing/') && to === 'kernel') return false;
    return true;
  });
  assert.deepEqual(
    wrong.map(({ file, target }) => `${file} → ${target}`),
    [],
  );
});

test('imports run in no circle; only an exchange and its attempts know each other', () => {
  const importsOf = Map.groupBy(
    internal.filter(({ dynamic }) => !dynamic),
    ({ file }) => file,
  );
  const reached = (start: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const left = [start];
    for (let file = left.pop(); file !== undefined; file = left.pop()) {
      for (const { target } of importsOf.get(file) ?? []) {
        if (found.has(target)) continue;
        found.add(target);
        left.push(target);
      }
    }
    return found;
  };
  assert.deepEqual(sources.filter((file) => reached(file).has(file)).sort(), [
    'kernel/attempt.ts',
    'kernel/exchange.ts',
  ]);
});

test('a plugin imports another only for a slot or port, and then names it', () => {
  const pluginOf = (path: string): string => path.split('/').slice(0, 2).join('/');
  const crossing = internal.filter(
    ({ file, target }) =>
      roomOf(file) === 'plugins' &&
      roomOf(target) === 'plugins' &&
      file !== 'plugins/index.ts' &&
      pluginOf(file) !== pluginOf(target),
  );
  const unnamed = crossing.filter(({ file, target }) => {
    const index = textOf.get(join(pluginOf(file), 'index.ts')) ?? '';
    const declared = [...index.matchAll(/(?:after|requires): \[([^\]]*)\]/g)].map((match) => match[1]).join();
    return !declared.includes(`'${pluginOf(target)}'`);
  });
  assert.deepEqual(
    unnamed.map(({ file, target }) => `${file} → ${target}`),
    [],
  );
});

test('a module that is loaded on use is the one whose type it has', () => {
  const wrong = sources.flatMap((file) =>
    [
      ...textOf
        .get(file)!
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .matchAll(/loadOnUse<typeof import\('(.+)'\)>\(\s*import\.meta\.url,\s*'(.+)',?\s*\)/g),
    ]
      .filter(([, type, path]) => type !== `${path}.ts` || !existsSync(resolve(root, dirname(file), type)))
      .map(([text]) => `${file}: ${text}`),
  );
  assert.deepEqual(wrong, []);
});

test('the kernel and the SDK name no provider, route or plugin', () => {
  const shipped = rooms.slice(2).flatMap((room) =>
    readdirSync(join(root, room), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${room}/${entry.name}`),
  );
  const naming = sources
    .filter(
      (file) => roomOf(file) === 'kernel' || (roomOf(file) === 'plugin-sdk' && !file.startsWith('plugin-sdk/testing/')),
    )
    .flatMap((file) => {
      const code = textOf.get(file)!.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return shipped.filter((id) => code.includes(`'${id}'`)).map((id) => `${file}: ${id}`);
    });
  assert.deepEqual(naming, []);
});

test('files stay small: 200 lines in the kernel, 300 elsewhere', () => {
  const long = sources
    .map((file) => ({ file, lines: textOf.get(file)!.split('\n').length - 1 }))
    .filter(({ file, lines }) => lines > (roomOf(file) === 'kernel' ? 200 : 300));
  assert.deepEqual(long, []);
});

test('file names are kebab-case and none is a drawer for odds and ends', () => {
  const bad = sources.filter(
    (file) => !/^[a-z0-9-]+(\.d)?\.ts$/.test(file.split('/').at(-1)!) || /\b(utils?|helpers?|misc|common)\b/.test(file),
  );
  assert.deepEqual(bad, []);
});

test('no escape from the type checker and no left-overs', () => {
  const bad = sources.flatMap((file) => {
    const text = textOf.get(file)!.replace(/\/\*[\s\S]*?\*\/|(?<=\s)\/\/(?! @ts).*/g, '');
    return [
      /: any\b|as any\b|<any>/,
      /@ts-(ignore|expect-error|nocheck)/,
      /\b(TODO|FIXME|XXX)\b/,
      /console\.(log|debug)\(/,
    ]
      .filter((pattern) => pattern.test(text))
      .map((pattern) => `${file}: ${pattern}`);
  });
  assert.deepEqual(bad, []);
});

test('each room, and each shipped plugin of more than one file, has a README to start from', () => {
  const folders = rooms.flatMap((room) => [
    room,
    ...readdirSync(join(root, room), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && room !== 'providers')
      .filter((entry) => readdirSync(join(root, room, entry.name)).filter((name) => name.endsWith('.ts')).length > 3)
      .map((entry) => `${room}/${entry.name}`),
  ]);
  assert.deepEqual(
    folders.filter((folder) => !existsSync(join(root, folder, 'README.md'))),
    [],
  );
});

test("every file of the kernel's top level stands in its README", () => {
  const readme = readFileSync(join(root, 'kernel/README.md'), 'utf8');
  const unnamed = readdirSync(join(root, 'kernel')).filter(
    (name) => /\.[jt]s$/.test(name) && !readme.includes(`\`${name}\``),
  );
  assert.deepEqual(unnamed, []);
});

test('every shipped plugin is in its list, and every list entry exists', async () => {
  for (const room of rooms.slice(2)) {
    const { default: entries } = (await import(join(root, room, 'index.ts'))) as {
      default: { id: string; load(): Promise<{ default: { name: string } }> }[];
    };
    const listed = entries.map(({ id }) => id).sort();
    const present = readdirSync(join(root, room))
      .filter(
        (name) => statSync(join(root, room, name)).isDirectory() && existsSync(join(root, room, name, 'index.ts')),
      )
      .filter((name) =>
        /default definePlugin|default defineProvider|default defineOpenAICompatible|default defineRoute|default define/.test(
          readFileSync(join(root, room, name, 'index.ts'), 'utf8'),
        ),
      )
      .map((name) => `${room}/${name}`)
      .sort();
    assert.deepEqual(listed, present);
    for (const { id, load } of entries) assert.equal((await load()).default.name, id);
  }
});

test('every error code is used', () => {
  const used = sources
    .filter((file) => file !== 'plugin-sdk/error-table.ts')
    .map((file) => textOf.get(file)!)
    .join('\n');
  const unused = Object.keys(specs).filter((code) => !used.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});

test('the top level holds what the design names, and nothing else', () => {
  const allowed = new Set([
    ...rooms,
    'test',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'biome.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'node_modules',
    'dist',
  ]);
  assert.deepEqual(
    readdirSync(root).filter((name) => !name.startsWith('.') && !allowed.has(name)),
    [],
  );
});
