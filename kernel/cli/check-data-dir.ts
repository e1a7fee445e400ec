import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatewayError } from '../../plugin-sdk/index.ts';

/** Checks, without making it, that the data folder can be written. Throws GatewayError CFG_INVALID. */
export function checkDataDir(dataDir: string): void {
  let folder = dataDir;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const reason = statSync(folder).isDirectory() ? accessFault(folder) : `${folder} is no folder`;
  if (reason === undefined) return;
  const report = `Cannot store anything in ${dataDir}: ${reason}. Choose another folder with dataDir in the config, or BIFROST_DATA_DIR.`;
  throw new GatewayError('CFG_INVALID', { report });
}

function accessFault(folder: string): string | undefined {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return `no permission to read and write ${folder}`;
  }
}
