import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { listening, onCores } from './processes.ts';
import type { LoadOptions, LoadResult } from './raw-load.ts';

/** Both ends that a gateway talks to, in one process: the load and, at a port, the upstream. */
export interface Peers {
  /** `stayAwake`: it polls instead of sleeping until something comes. See {@link startPeers}. */
  load(options: LoadOptions, stayAwake: boolean): Promise<LoadResult>;
  stop(): Promise<void>;
}

/**
 * Starts them, the upstream with settings of its environment. Whoever writes to a process that sleeps pays for waking it:
 * between two virtual cores up to 12 µs a time. A gateway that keeps its peers busy, as nginx does, pays that hardly ever, and
 * one that is waited for at every call; so that each pays for its own work alone, the peers of one that has a core to itself
 * stay awake.
 */
export async function startPeers(upstreamPort: number, settings: NodeJS.ProcessEnv = {}, core = '0'): Promise<Peers> {
  const [program, ...args] = onCores(core, [
    process.execPath,
    join(import.meta.dirname, 'peers-process.ts'),
    String(upstreamPort),
  ]);
  const child = spawn(program!, args, {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await listening(upstreamPort);
  return {
    load: (options, stayAwake) =>
      new Promise((resolve, reject) => {
        const gone = (): void => reject(new Error('load and upstream ended'));
        child.once('exit', gone);
        child.once('message', (result) => {
          child.off('exit', gone);
          resolve(result as LoadResult);
        });
        child.send({ options, stayAwake });
      }),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
