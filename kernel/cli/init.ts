import { constants, copyFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultConfigFile } from '../config/read-config.ts';

/** Copies the built-in config to `file`; never overwrites one. */
export function init(file = 'bifrost.jsonc'): number {
  const target = resolve(file);
  try {
    copyFileSync(defaultConfigFile, target, constants.COPYFILE_EXCL);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    process.stderr.write(
      code === 'EEXIST' ? `${target} exists already.\n` : `${target} cannot be written: ${message.split(', ')[0]}.\n`,
    );
    return 73;
  }
  process.stdout.write(
    `Wrote ${target}. Start with: npx bifrost-kernel${file === 'bifrost.jsonc' ? '' : ` --config ${file}`}\n`,
  );
  return 0;
}
