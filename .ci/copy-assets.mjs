// Copies what is not TypeScript (configs, price books, pages) beside the compiled files.
import { cpSync } from 'node:fs';

for (const folder of ['kernel', 'plugin-sdk', 'routes', 'providers', 'plugins']) {
  cpSync(folder, `dist/${folder}`, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts') && !path.endsWith('.md') && path !== 'kernel/main.js',
  });
}
