// Makes what was compiled to dist, or to the folder that is given, a package of its own: what is not TypeScript (configs, price books, pages) beside the compiled files, and a
// package.json that names these. A checkout's package.json names the source, which runs as it is.
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';

const [to = 'dist'] = process.argv.slice(2);

for (const folder of ['kernel', 'plugin-sdk', 'routes', 'providers', 'plugins']) {
  cpSync(folder, `${to}/${folder}`, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts') && !path.endsWith('.md') && path !== 'kernel/main.js',
  });
}
for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE']) copyFileSync(file, `${to}/${file}`);

const { scripts, devDependencies, allowScripts, exports, ...manifest } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);
const compiled = Object.entries(exports).map(([name, path]) => [name, path.replace(/\.ts$/, '.js')]);
writeFileSync(
  `${to}/package.json`,
  `${JSON.stringify({ ...manifest, exports: Object.fromEntries(compiled) }, null, 2)}\n`,
);
