import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayView } from '../../plugin-sdk/index.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { readConfig } from '../config/read-config.ts';
import { createGateway } from '../gateway.ts';
import type { Generation } from '../generation.ts';
import type { Arguments } from './arguments.ts';
import { checkTls } from './check-tls.ts';
import { refuseHostWithPort, refusePublicWithoutIdentity } from './refuse-host.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** `check` and `plan`: sets everything up without listening. A problem is thrown and shown by the caller. */
export async function plan(given: Arguments): Promise<number> {
  const loaded = await readConfig(given.config);
  const { host = loaded.config.server.host, insecure } = given;
  refuseHostWithPort(host);
  checkTls(loaded.config.server);
  // A look must leave nothing behind, so stores open in a folder of their own.
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-plan-'));
  try {
    const view = await look({ ...loaded, config: { ...loaded.config, dataDir } }, (built) =>
      refusePublicWithoutIdentity(built, host, insecure),
    );
    const { warnings } = loaded.problems;
    if (given.command === 'check') {
      const told = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
      process.stdout.write(
        `${loaded.source} is good: ${count(view.plugins.length, 'plugin')}, ${count(view.routes.length, 'route')}${told}.\n`,
      );
    } else process.stdout.write(describe(view));
    for (const warning of warnings) process.stderr.write(`  ⚠ ${warning}\n`);
    return 0;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function look(loaded: LoadedConfig, check: (built: Generation) => void): Promise<GatewayView> {
  const gateway = await createGateway(loaded, { log: silent, check });
  try {
    return gateway.current.view();
  } finally {
    await gateway.close();
  }
}

function describe(view: GatewayView): string {
  const lines = ['Plugins, in order'];
  for (const { id, definition, implied } of view.plugins) {
    const use = definition === id ? '' : ` (${definition})`;
    lines.push(`  ${id}${use}${implied ? '  loaded because another plugin needs it' : ''}`);
  }
  lines.push('', 'Hooks');
  for (const { hook, plugins } of view.hooks) lines.push(`  ${hook.padEnd(18)} ${plugins.join(' → ') || '-'}`);
  lines.push('', 'Providers');
  for (const { name, baseUrl, keys } of view.providers)
    lines.push(`  ${name.padEnd(18)} ${baseUrl}  ${count(keys.length, 'key')}`);
  lines.push('', 'Routes');
  const width = Math.max(...view.routes.map(({ path }) => path.length));
  for (const { method, path, operation, guards } of view.routes) {
    lines.push(`  ${method.padEnd(7)} ${path.padEnd(width)}  ${(operation ?? '').padEnd(20)} ${guards.join(', ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
