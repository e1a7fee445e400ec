import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultConfigFile } from '../config/read-config.ts';

/** Copies the built-in config to `./bifrost.jsonc`; never overwrites one. */
export function init(): number {
  const target = join(process.cwd(), 'bifrost.jsonc');
  try {
    copyFileSync(defaultConfigFile, target, constants.COPYFILE_EXCL);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    process.stderr.write(
      code === 'EEXIST' ? `${target} exists already.\n` : `${target} cannot be written: ${message.split(', ')[0]}.\n`,
    );
    return 73;
  }
  process.stdout.write(`Wrote ${target}. Start with: npx bifrost-kernel\n`);
  return 0;
}
