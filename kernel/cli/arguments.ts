import { didYouMean } from '../config/did-you-mean.ts';
import { parseArgs } from '../node-builtins.ts';

export const commands = {
  start: 'Run the gateway (the default).',
  check: 'Check the config and every plugin option, then exit.',
  plan: 'Show what would run: routes with their guards, hooks in order, providers.',
  init: 'Write the default config to bifrost.jsonc.',
  plugins: 'List what ships.',
  schema: 'Print a JSON Schema of the config, for editors.',
  top: 'Show the live traffic of a running gateway (BIFROST_ADMIN_TOKEN, --url).',
} as const;

export interface Arguments {
  /** One of `commands`, or the name of one that a plugin brings. */
  readonly command: string;
  /** What follows the command; only commands of plugins take any. */
  readonly rest: readonly string[];
  readonly config: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly logLevel: string | undefined;
  readonly logFormat: string | undefined;
  readonly insecure: boolean;
  readonly url: string | undefined;
  readonly help: boolean;
  readonly version: boolean;
}

const options = {
  config: { type: 'string', short: 'c' },
  host: { type: 'string' },
  port: { type: 'string', short: 'p' },
  'log-level': { type: 'string' },
  'log-format': { type: 'string' },
  insecure: { type: 'boolean', default: false },
  url: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'v', default: false },
} as const;
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** Reads the command line. Throws an Error with a message for people. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const [command = 'start', ...rest] = positionals;
  if (command in commands && rest.length > 0) throw new Error(`Unexpected: ${rest.join(' ')}.`);
  const port = values.port === undefined ? undefined : Number(values.port);
  // An empty text would be 0, and so any free port.
  if (port !== undefined && !(/^\d+$/.test(values.port!) && port <= 65_535))
    throw new Error(`--port takes a number from 0 to 65535, not ${JSON.stringify(values.port)}.`);
  // It would be every address there is.
  if (values.host === '') throw new Error('--host takes an address or a name, not "".');
  if (values.url !== undefined && !/^https?:$/.test(URL.parse(values.url)?.protocol ?? '')) {
    throw new Error(`--url takes an address such as http://127.0.0.1:8080, not ${values.url}.`);
  }
  oneOf('--log-level', values['log-level'], levels);
  oneOf('--log-format', values['log-format'], ['json', 'pretty']);
  return {
    command,
    rest,
    config: values.config,
    host: values.host,
    port,
    logLevel: values['log-level'],
    logFormat: values['log-format'],
    insecure: values.insecure,
    url: values.url,
    help: values.help,
    version: values.version,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    const unknown = /^Unknown option '(-[^']*)'/.exec((cause as Error).message)?.[1];
    if (unknown === undefined) throw cause;
    const guess = didYouMean(unknown.replace(/^-+/, ''), Object.keys(options));
    throw new Error(`There is no option ${unknown}.${guess === undefined ? '' : ` Did you mean --${guess}?`}`, {
      cause,
    });
  }
}

function oneOf(option: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new Error(`${option} takes ${allowed.join(', ')}, not ${value}.`);
}

export const usage = `bifrost-kernel [command] [options]

Commands (plugins bring more: see their READMEs)
${Object.entries(commands)
  .map(([name, what]) => `  ${name.padEnd(10)} ${what}`)
  .join('\n')}

Options
  -c, --config FILE        Config: JSONC, JSON or a .ts module. Default: ./bifrost.jsonc, or the built-in one.
      --host HOST          Address to listen on. Default 127.0.0.1.
  -p, --port PORT          Port to listen on. Default 8080.
      --log-level LEVEL    ${levels.join(', ')}.
      --log-format FORMAT  json or pretty.
      --insecure           Listen on a public address without governance.
      --url URL            Gateway that top asks. Default http://127.0.0.1:8080.
  -h, --help               Show this.
  -v, --version            Show the version.
`;
