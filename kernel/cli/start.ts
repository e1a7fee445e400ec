import cluster from 'node:cluster';
import type { GatewayError } from '../../plugin-sdk/index.ts';
import { ensureAdminToken } from '../admin-guard.ts';
import { runPrimary, workerCount } from '../cluster.ts';
import type { Config } from '../config/config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { defaultConfigFile, readConfig } from '../config/read-config.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import type { Generation } from '../generation.ts';
import { probe } from '../listeners.ts';
import { createLogger } from '../logger.ts';
import { listen, urlOf } from '../server.ts';
import type { Arguments } from './arguments.ts';
import { checkDataDir } from './check-data-dir.ts';
import { checkTls } from './check-tls.ts';
import { ConfigChanges } from './config-changes.ts';
import { keepTickShape } from './keep-tick-shape.ts';
import { logProcessFailures } from './process-failures.ts';
import { refuseHostWithPort, refusePublicWithoutIdentity } from './refuse-host.ts';
import { sourceCache } from './source-cache.ts';
import { lowerV8Threads } from './v8-threads.ts';
import { version } from './version.ts';
import { warmUp } from './warm-up.ts';

/** Runs the gateway until it is told to stop. Gives the exit code. */
export async function start(given: Arguments): Promise<number> {
  const loaded = withArguments(await readConfig(given.config), given);
  // A file that was found stays the config: were it gone at a reload, the built-in one would take over, without any guard.
  const file = loaded.files[0] === defaultConfigFile ? undefined : loaded.source;
  const read = async (): Promise<LoadedConfig> => withArguments(await readConfig(file), given);
  checkDataDir(loaded.config.dataDir);
  refuseHostWithPort(loaded.config.server.host);
  checkTls(loaded.config.server);
  const count = workerCount(loaded.config.server.workers);
  if (count > 1 && cluster.isPrimary) return startWorkers(loaded, count, file);
  try {
    return await serve(loaded, read, given);
  } catch (error) {
    // A worker that could not start must end, and its channel to the primary would keep it.
    process.channel?.unref();
    throw error;
  }
}

/** One process that serves. */
async function serve(loaded: LoadedConfig, read: () => Promise<LoadedConfig>, given: Arguments): Promise<number> {
  lowerV8Threads();
  keepTickShape();
  const { config } = loaded;
  const log = createLogger(config.log);
  logProcessFailures(log);
  const changes = new ConfigChanges(loaded.files, log);
  const { host } = config.server;
  // At each reload as well, and for the address that is listened on: the file may name another by then.
  const check = (built: Generation): void => refusePublicWithoutIdentity(built, host, given.insecure);
  const gateway = await createGateway(loaded, { log, check });
  // Before anybody is told that it runs, so that whoever stops it at once is heard.
  const stopped = stopSignal();
  const listening = await openOrRefuse(() => listen(gateway, config, { shared: cluster.isWorker }), config.server);
  if (cluster.isWorker) process.send?.('ready');
  else {
    announce(log, loaded, listening.url, { generation: gateway.current.id });
    process.on('SIGUSR2', () => log.warn({}, 'SIGUSR2 replaces workers, of which there are none: see server.workers'));
  }
  warmUp();
  changes.listen(() => {
    read()
      .then((next) => {
        checkTls(next.config.server);
        warnOfRestart(log, config, next.config);
        // The gateway itself logs why a reload fails.
        gateway.reload(next).then(
          () => listening.renew(next.config.server.tls),
          () => undefined,
        );
      })
      .catch((error: GatewayError) =>
        log.error({ err: error.text ?? error.message }, 'reload failed; the old config stays'),
      );
  });
  const signal = await stopped;
  log.info({ signal, open: gateway.current.open }, 'draining');
  changes.close();
  const closed = listening.stop();
  await gateway.close(gateway.current.loaded.config.server.drainMs);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
  log.info({}, 'stopped');
  // Keep-alive connections of clients that do not let go must not keep the process.
  setTimeout(() => process.exit(0), 100).unref();
  return 0;
}

/** The process that keeps the serving ones alive. */
async function startWorkers(loaded: LoadedConfig, count: number, file: string | undefined): Promise<number> {
  const { config } = loaded;
  const log = createLogger(config.log);
  logProcessFailures(log);
  const { host } = config.server;
  const port = await openOrRefuse(() => probe(host, config.server.port), config.server);
  // A worker that starts later listens where the others do, whatever the file says by then.
  const address = ['--host', host, '--port', String(port)];
  const args = [...process.argv.slice(2), ...address, ...(file === undefined ? [] : ['--config', file])];
  return runPrimary(count, args, log, () => {
    announce(log, loaded, urlOf(config.server, port), { workers: count });
    void sourceCache.close();
  });
}

/** Names what changed in the config and is only read at a start. */
function warnOfRestart(log: Gateway['log'], running: Config, next: Config): void {
  const settings = (['host', 'port', 'workers'] as const)
    .filter((name) => running.server[name] !== next.server[name])
    .map((name): string => `server.${name}`);
  if (running.server.limits.headerBytes !== next.server.limits.headerBytes) settings.push('server.limits.headerBytes');
  if ((running.server.tls === undefined) !== (next.server.tls === undefined)) settings.push('server.tls');
  for (const name of ['level', 'format'] as const)
    if (running.log[name] !== next.log[name]) settings.push(`log.${name}`);
  if (settings.length > 0) log.warn({ settings }, 'these settings change at the next start');
}

/** A worker may be told twice, by its primary and by whoever signals the whole process group: it drains all the same. */
function stopSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    if (cluster.isWorker) process.on(name, () => resolve(name));
    else process.once(name, () => resolve(name));
  }
  return promise;
}

function withArguments(loaded: LoadedConfig, given: Arguments): LoadedConfig {
  const { config } = loaded;
  const server = {
    ...config.server,
    ...(given.host === undefined ? {} : { host: given.host }),
    ...(given.port === undefined ? {} : { port: given.port }),
  };
  const log = {
    ...config.log,
    ...(given.logLevel === undefined ? {} : { level: given.logLevel as Config['log']['level'] }),
    ...(given.logFormat === undefined ? {} : { format: given.logFormat as 'json' | 'pretty' }),
  };
  return { ...loaded, config: { ...config, server, log } };
}

async function openOrRefuse<T>(open: () => Promise<T>, server: Config['server']): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    throw (await import('./listen-fault.ts')).listenFault(cause, server);
  }
}

/** Says that it serves. The first time an admin token is made, and printed by the process that made it: never a start that fails. */
function announce(log: Gateway['log'], loaded: LoadedConfig, url: string, facts: object): void {
  const token = ensureAdminToken(loaded.config.dataDir);
  log.info(
    { url, version: version(), config: loaded.source, startMs: Math.round(performance.now()), ...facts },
    'listening',
  );
  if (token !== undefined) process.stderr.write(`Admin token, shown only now: ${token}\n`);
}
