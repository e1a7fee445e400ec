import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultConfigFile } from '../config/read-config.ts';

/** Copies the built-in config to `./bifrost.jsonc`; never overwrites one. */
export function init(): number {
  const target = join(process.cwd(), 'bifrost.jsonc');
  try {
    copyFileSync(defaultConfigFile, target, constants.COPYFILE_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    process.stderr.write(`${target} exists already.\n`);
    return 73;
  }
  process.stdout.write(`Wrote ${target}. Start with: npx bifrost-kernel\n`);
  return 0;
}
