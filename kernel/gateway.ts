import { createHash } from 'node:crypto';
import { type CatalogueEntry, type Clock, GatewayError, isGatewayError, type Logger } from '../plugin-sdk/index.ts';
import { readCatalogue } from './catalogue.ts';
import type { ConfigInput } from './config/config.ts';
import { type LoadedConfig, loadConfig } from './config/load-config.ts';
import { fetchThrough } from './fetch.ts';
import { Generation, type Process } from './generation.ts';
import { systemClock } from './host.ts';
import { MemoryKeyHealth } from './key-health.ts';
import { createLogger } from './logger.ts';
import { SharedThings } from './shared.ts';
import { Connections } from './upstream/connections.ts';

export interface GatewayOptions {
  /** Default: pino on standard output, by the config's `log`. */
  readonly log?: Logger;
  /** For tests. */
  readonly clock?: Clock;
  /** Plugins known by id without a file, besides those that ship. */
  readonly extraPlugins?: readonly CatalogueEntry[];
  /** Looks at each config that was built, the first and every reload's, before it serves. One that it throws for never does. */
  readonly check?: (built: Generation) => void;
}

/** A running gateway, embeddable: no global state, no listener unless one is started. */
export interface Gateway {
  /** Serves a web request. */
  fetch(request: Request): Promise<Response>;
  /** Builds the new config beside the running one and swaps. A failed build, or one that is refused, throws and changes nothing. */
  reload(config: LoadedConfig | ConfigInput): Promise<void>;
  /** Stops taking work, lets open exchanges finish up to `drainMs`, ends those that did not, then frees everything. */
  close(drainMs?: number): Promise<void>;
  readonly current: Generation;
  /** `draining`: open exchanges finish. `closed`: the plugins are gone, nothing can be served any more. */
  readonly state: 'running' | 'draining' | 'closed';
  readonly log: Logger;
  /** Generations that still have open exchanges, the running one included. */
  readonly generations: ReadonlySet<Generation>;
}

/** What the observers of an exchange may take once it was ended. */
const settleMs = 500;

/** Makes a gateway from a config object or a config that was read. Throws GatewayError CFG_*, PLUGIN_*. */
export async function createGateway(
  config: LoadedConfig | ConfigInput,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const first = asLoaded(config);
  const log = options.log ?? createLogger(first.config.log);
  const connections = new Connections();
  const generations = new Set<Generation>();
  let current: Generation | undefined;
  let state: Gateway['state'] = 'running';
  let count = 0;
  const process: Process = {
    catalogue: [...(options.extraPlugins ?? []), ...(await readCatalogue())],
    connections,
    shared: new SharedThings(),
    keyHealth: new MemoryKeyHealth(),
    clock: options.clock ?? systemClock,
    log,
    startedAt: Date.now(),
    current: () => current,
    draining: () => state !== 'running',
  };
  const build = async (loaded: LoadedConfig): Promise<Generation> => {
    count += 1;
    const generation = await Generation.create(`${count}-${digest(loaded)}`, loaded, process);
    try {
      options.check?.(generation);
    } catch (refusal) {
      await generation.tearDown();
      throw refusal;
    }
    generations.add(generation);
    for (const warning of loaded.problems.warnings) log.warn({ config: loaded.source }, warning);
    return generation;
  };
  const retire = async (old: Generation, drainMs: number, teardownMs?: number): Promise<void> => {
    await old.exchanges.whenIdle(drainMs);
    generations.delete(old);
    await old.tearDown(teardownMs);
  };
  current = await build(first);
  let queue: Promise<void> = Promise.resolve();
  const gateway: Gateway = {
    log,
    generations,
    get current() {
      return current!;
    },
    get state() {
      return state;
    },
    fetch: (request) => fetchThrough(current!, request),
    reload(next) {
      // One after the other: two builds at once could swap in the wrong order.
      const step = queue.then(async () => {
        if (state !== 'running') throw new GatewayError('GUARD_DRAINING', {});
        const fresh = await build(asLoaded(next));
        const old = current!;
        current = fresh;
        log.info({ generation: fresh.id, before: old.id }, 'config reloaded');
        // Nobody waits for it, and what it has begun may take its time: streams, and jobs that run on in a teardown.
        void retire(old, 3_600_000, 3_600_000).catch((cause) =>
          log.error({ err: cause }, 'an old generation did not close'),
        );
      });
      queue = step.catch((cause) =>
        log.error({ err: isGatewayError(cause) ? cause.text : cause }, 'reload failed; the old config stays'),
      );
      return step;
    },
    async close(drainMs = 0) {
      state = 'draining';
      await queue;
      await Promise.all([...generations].map((generation) => generation.exchanges.whenIdle(drainMs)));
      state = 'closed';
      // Its caller is told why, and the plugins that charge and record it are still there.
      const reason = new GatewayError('GUARD_DRAINING', {});
      await Promise.all([...generations].map((generation) => generation.exchanges.end(reason, settleMs)));
      await Promise.all([...generations].map((generation) => retire(generation, 0)));
      connections.close();
    },
  };
  return gateway;
}

function asLoaded(config: LoadedConfig | ConfigInput): LoadedConfig {
  if ('problems' in config) return config as LoadedConfig;
  return loadConfig(config, { source: 'config', baseDir: process.cwd(), cwd: process.cwd(), environment: process.env });
}

/** Names a config by its content, so that a reply tells which one served it. */
function digest(loaded: LoadedConfig): string {
  return createHash('sha256').update(JSON.stringify(loaded.config)).digest('hex').slice(0, 8);
}
