import { isGatewayError } from '../../plugin-sdk/index.ts';
import { readConfig } from '../config/read-config.ts';
import { type Arguments, readArguments, usage } from './arguments.ts';
import { version } from './version.ts';

/** sysexits(3): the configuration is wrong. */
const badConfig = 78;
/** sysexits(3): the command line is wrong. */
const badUsage = 64;

/** Runs one command. Gives the exit code; `start` gives it when the gateway has stopped. */
export async function runCli(args: readonly string[]): Promise<number> {
  let given: Arguments;
  try {
    given = readArguments(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return badUsage;
  }
  const isGateway = given.command === 'start';
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads the output may have seen enough, as in `plan | head`; and a gateway serves without its log.
    if (error.code !== 'EPIPE' && !isGateway) throw error;
  });
  if (given.help) return print(usage);
  if (given.version) return print(`${version()}\n`);
  // Timers of plugins do not keep the process, but what ends waits for some of them.
  const kept = setInterval(() => undefined, 60_000);
  try {
    return await run(given);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    process.stderr.write(`${error.text}\n`);
    return badConfig;
  } finally {
    clearInterval(kept);
  }
}

async function run(given: Arguments): Promise<number> {
  switch (given.command) {
    case 'init':
      return (await import('./init.ts')).init(given.config);
    case 'plugins':
      return (await import('./plugins.ts')).listPlugins();
    case 'schema':
      return (await import('./schema.ts')).printSchema(await readConfig(given.config));
    case 'check':
    case 'plan':
      return (await import('./plan.ts')).plan(given);
    case 'top':
      return (await import('./top.ts')).top(given);
    case 'start':
      // Without a listener they end a process. They may come before it can do anything about them, or concern its primary alone.
      for (const name of ['SIGHUP', 'SIGUSR2'] as const) process.on(name, () => undefined);
      return (await import('./start.ts')).start(given);
    default:
      return (await import('./plugin-command.ts')).runPluginCommand(given);
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
