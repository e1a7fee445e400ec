import { GatewayError } from '../../plugin-sdk/index.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { readConfig } from '../config/read-config.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { listen } from '../server.ts';
import type { Arguments } from './arguments.ts';
import { version } from './version.ts';
import { watchConfig } from './watch-config.ts';

/** Runs the gateway until it is told to stop. Gives the exit code. */
export async function start(given: Arguments): Promise<number> {
  const read = async (): Promise<LoadedConfig> => withArguments(await readConfig(given.config), given);
  const loaded = await read();
  const gateway = await createGateway(loaded);
  const { config } = loaded;
  refusePublicWithoutIdentity(gateway, config, given.insecure);
  const listening = await listen(gateway, config);
  announce(gateway, loaded, listening.url);
  const reload = (): void => {
    read()
      .then((next) => gateway.reload(next))
      .catch((error: Error) => gateway.log.error({ reason: (error as GatewayError).text ?? error.message }, 'reload failed; the old config stays'));
  };
  process.on('SIGHUP', reload);
  const unwatch = watchConfig(loaded.files, reload);
  return new Promise((resolve) => {
    const stop = async (signal: string): Promise<void> => {
      gateway.log.info({ signal, open: gateway.current.open }, 'draining');
      unwatch();
      const stopped = listening.stop();
      await gateway.close(config.server.drainMs);
      await Promise.race([stopped, new Promise((end) => setTimeout(end, 1_000).unref())]);
      gateway.log.info({}, 'stopped');
      resolve(0);
      // Keep-alive connections of clients that do not let go must not keep the process.
      setTimeout(() => process.exit(0), 100).unref();
    };
    process.once('SIGTERM', () => void stop('SIGTERM'));
    process.once('SIGINT', () => void stop('SIGINT'));
  });
}

function withArguments(loaded: LoadedConfig, given: Arguments): LoadedConfig {
  const { config } = loaded;
  const server = { ...config.server, ...(given.host === undefined ? {} : { host: given.host }), ...(given.port === undefined ? {} : { port: given.port }) };
  const log = {
    ...config.log,
    ...(given.logLevel === undefined ? {} : { level: given.logLevel as Config['log']['level'] }),
    ...(given.logFormat === undefined ? {} : { format: given.logFormat as 'json' | 'pretty' }),
  };
  return { ...loaded, config: { ...config, server, log } };
}

/** A gateway that anyone on the network can use spends its owner's money. Throws GatewayError CFG_INVALID. */
function refusePublicWithoutIdentity(gateway: Gateway, config: Config, insecure: boolean): void {
  const { host } = config.server;
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const governed = gateway.current.plugins.some(({ definition, options }) => definition.provides?.includes('identity') && (options as { required?: boolean }).required === true);
  if (isLocal || insecure || governed) return;
  throw new GatewayError('CFG_INVALID', {
    report: `Refusing to listen on ${host} without identity: set plugins/governance.required, or start with --insecure.`,
  });
}

function announce(gateway: Gateway, loaded: LoadedConfig, url: string): void {
  const startMs = Math.round(performance.now());
  gateway.log.info({ url, version: version(), config: loaded.source, generation: gateway.current.id, startMs }, 'listening');
  const { created } = gateway.current.admin;
  if (created !== undefined) process.stderr.write(`Admin token, shown only now: ${created}\n`);
}
