import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const ticksPerSecond = 100;

/** A process on one core, with what the operating system counts for it and its children. */
export interface Pinned {
  readonly child: ChildProcess;
  /** Microseconds of processor time so far. */
  cpu(): number;
  memory(): Memory;
  stop(): Promise<void>;
}

/** Megabytes. */
export interface Memory {
  readonly resident: number;
  /** Without pages of files, such as the program itself and what LMDB maps. */
  readonly own: number;
}

const canPin = spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** The command for a program on the given cores, where the system can. */
export function onCores(cores: string, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', cores, ...command] : command;
}

/** Those that run. A bench that fails, or is told to end, leaves none behind. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
process.once('SIGTERM', () => process.exit(143));

/** Starts a program on the given cores. */
export function pinned(cores: string, command: readonly string[], environment: NodeJS.ProcessEnv = {}): Pinned {
  const [program, ...args] = onCores(cores, command);
  const child = spawn(program!, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.add(child);
  const exited = new Promise<void>((resolve) =>
    child.on('exit', () => {
      children.delete(child);
      resolve();
    }),
  );
  return {
    child,
    cpu: () => (family(child.pid!).reduce((sum, pid) => sum + ticksOf(pid), 0) * 1e6) / ticksPerSecond,
    memory() {
      const each = family(child.pid!);
      const sum = (field: string): number => each.reduce((total, pid) => total + megabytesOf(pid, field), 0);
      return { resident: sum('VmRSS'), own: sum('RssAnon') };
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function family(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => family(Number(child))))];
  } catch {
    return [];
  }
}

function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

function megabytesOf(pid: number, field: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Waits until something listens on a port of the loopback address. */
export async function listening(port: number): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    // A gateway tries its port for a moment at the beginning of its start.
    if ((await accepts(port)) && (await pause(20)) && (await accepts(port))) return;
    await pause(5);
  }
  throw new Error(`nothing listens on ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function pause(ms: number): Promise<true> {
  return new Promise((resolve) => setTimeout(() => resolve(true), ms));
}
