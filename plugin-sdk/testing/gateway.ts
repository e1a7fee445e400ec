import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../kernel/config/config.ts';
import { loadConfig } from '../../kernel/config/load-config.ts';
import { createGateway, type Gateway } from '../../kernel/gateway.ts';
import { listen } from '../../kernel/server.ts';
import type { PluginDefinition } from '../define-plugin.ts';
import type { Clock } from '../host.ts';
import type { Logger } from '../logger.ts';

export interface StartOptions extends Partial<ConfigInput> {
  /** Definitions to load without a file, by the name the config uses for them. */
  readonly definitions?: Readonly<Record<string, PluginDefinition>>;
  readonly clock?: Clock;
  /** Where relative plugin paths start; default: the working directory. */
  readonly baseDir?: string;
}

export interface RunningGateway {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  readonly dataDir: string;
  /** A token for the admin API. */
  readonly adminToken: string;
  /** Every log line so far. */
  readonly logs: readonly LogLine[];
  reload(config: Partial<ConfigInput>): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string | undefined;
}

/** Starts a gateway on a free port of the loopback address, with a data folder of its own. Close it, or `await using` it. */
export async function startGateway(options: StartOptions = {}): Promise<RunningGateway> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'bifrost-'));
  const logs: LogLine[] = [];
  const log = recordingLogger(logs);
  const adminToken = 'bfa_test-token';
  const load = (given: Partial<ConfigInput> & { baseDir?: string }) => {
    const { baseDir = process.cwd(), plugins = {}, server, ...rest } = given;
    const config = {
      ...rest,
      dataDir,
      server: { port: 0, ...server },
      plugins,
      admin: {
        ...rest.admin,
        tokens: [{ name: 'test', value: adminToken, scopes: ['read', 'write'] }, ...(rest.admin?.tokens ?? [])],
      },
    };
    return loadConfig(config, { source: 'test config', baseDir, cwd: baseDir, environment: process.env });
  };
  const { definitions, clock, ...config } = options;
  const first = load(config);
  const extra = Object.entries(definitions ?? {}).map(([id, definition]) => ({
    id,
    provides: definition.provides ?? [],
    load: async () => ({ default: definition }),
  }));
  const gateway = await createGateway(first, { log, extraPlugins: extra, ...(clock === undefined ? {} : { clock }) });
  const listening = await listen(gateway, first.config);
  const close = async (): Promise<void> => {
    await gateway.close(1_000);
    await listening.stop();
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  };
  return {
    url: listening.url,
    port: listening.port,
    gateway,
    dataDir,
    adminToken,
    logs,
    reload: (next) => gateway.reload(load({ ...config, ...next })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: LogLine['level']) => (fields: object, message?: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
