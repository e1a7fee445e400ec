import { didYouMean } from '../config/did-you-mean.ts';
import { readConfig } from '../config/read-config.ts';
import { createGateway } from '../gateway.ts';
import { type Arguments, commands } from './arguments.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Runs a command that a plugin of the config brings, with everything set up and nothing listening. */
export async function runPluginCommand({ command, config, rest }: Arguments): Promise<number> {
  const gateway = await createGateway(await readConfig(config), { log: silent });
  try {
    const { commands: brought } = gateway.current;
    const run = brought.get(command);
    if (run === undefined) {
      const known = [...Object.keys(commands), ...brought.keys()];
      const guess = didYouMean(command, known);
      const hint = guess === undefined ? `Use one of: ${known.join(', ')}.` : `Did you mean ${guess}?`;
      process.stderr.write(`There is no command ${command}. ${hint}\n`);
      return 64;
    }
    await run(rest, (line) => process.stdout.write(`${line}\n`));
    return 0;
  } finally {
    await gateway.close();
  }
}
