import { z } from 'zod';
import { Secret } from '../../plugin-sdk/secret.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const port = wholeNumber(0, 65535).default(8080).describe('Port to listen on; 0 lets the system choose a free one.');

const limits = z.strictObject({
  bodyBytes: wholeNumber(1)
    .default(100 * MiB)
    .describe('Largest request body that is held in memory, after decompression, in bytes.'),
  uploadBytes: wholeNumber(1)
    .default(8 * 1024 * MiB)
    .describe('Largest request body that streams through, in bytes.'),
  headerBytes: wholeNumber(1 * KiB)
    .default(64 * KiB)
    .describe('Largest request line and headers together, in bytes.'),
  jsonDepth: wholeNumber(1, 512).default(512).describe('How deep JSON in a request body may nest.'),
  bodyTimeoutMs: milliseconds(1)
    .default(60_000)
    .describe('Time for a request body to arrive whole, or that an upload may pause, in milliseconds.'),
  bufferBytes: wholeNumber(0)
    .default(1 * MiB)
    .describe('Uploads above this many bytes stream through instead of being held in memory.'),
});

const tls = z.strictObject({
  cert: z.string().min(1).describe('Certificate chain in PEM, usually `file:cert.pem`.'),
  key: secret().describe('Private key in PEM, usually `file:key.pem`.'),
});

const server = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; `0.0.0.0` for every IPv4 address.'),
  port,
  workers: z
    .union([wholeNumber(1), z.literal('auto')], { error: 'expected a whole number from 1 or "auto"' })
    .default(1)
    .describe('Processes that serve requests; `auto` for one on each processor.'),
  limits: limits.prefault({}).describe('What a request may ask of the gateway before any plugin sees it.'),
  keepAliveCommentMs: milliseconds(0)
    .default(15_000)
    .describe('Silence on a stream after which the client gets a comment, in milliseconds; 0 for never.'),
  drainMs: milliseconds(0).default(30_000).describe('Time for open requests to finish at shutdown, in milliseconds.'),
  allowCrossSite: z
    .boolean()
    .default(false)
    .describe(
      'Web pages of other sites may call the endpoints; without it a browser on this machine could be made to.',
    ),
  tls: tls.optional().describe('Serve HTTPS. Without it, plain HTTP.'),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least important lines that are written.'),
  format: z
    .enum(['json', 'pretty'])
    .optional()
    .describe('One JSON object a line, or text for people. Pretty on a terminal and JSON elsewhere when absent.'),
});

const adminToken = z.strictObject({
  name: z.string().min(1).describe('Who holds the token, for the log.'),
  value: secret().describe('What is sent as `Authorization: Bearer`; better `env.NAME` than the token itself.'),
  scopes: z
    .array(z.enum(['read', 'write']))
    .min(1)
    .describe('What the token may do in the admin API.'),
});

const admin = z.strictObject({
  tokens: z.array(adminToken).default([]).describe('Tokens besides the one that the first start creates and prints.'),
});

const hookTimeoutMs = milliseconds(1);
const hookFailOpen = z.boolean().optional();

const failOpen = z.union([
  z.boolean(),
  z.strictObject({
    preRoute: hookFailOpen,
    transformRequest: hookFailOpen,
    selectKey: hookFailOpen,
    execute: hookFailOpen,
    transformResponse: hookFailOpen,
    postLog: hookFailOpen,
  }),
]);

/** The keys of a plugin's entry that are the kernel's; all others are the plugin's options. */
export const reservedKeys = z.object({
  use: z.string().min(1).optional().describe('The plugin to load when the key of this entry is a name of your own.'),
  failOpen: failOpen
    .optional()
    .describe('Go on without this plugin when it fails or is too slow, in all its hooks or in those named true.'),
  hookTimeoutMs: hookTimeoutMs.optional().describe('Time that each hook of this plugin may take, in milliseconds.'),
});

const pluginEntry = reservedKeys.loose().transform(({ use, failOpen, hookTimeoutMs, ...options }) => ({
  ...(use !== undefined && { use }),
  ...(hookTimeoutMs !== undefined && { hookTimeoutMs }),
  failOpen: failOpen ?? false,
  options,
}));

/** The config without the plugins' own options, strict. Parsing gives every default but that of `dataDir`. */
export const configShape = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the schema; `bifrost-kernel schema` prints it.'),
  server: server.prefault({}).describe('How the gateway listens.'),
  dataDir: z
    .string()
    .min(1)
    .optional()
    .describe('Folder for everything stored. Otherwise BIFROST_DATA_DIR, or `.bifrost` beside the config file.'),
  log: log.prefault({}).describe('What the gateway writes about itself.'),
  admin: admin.prefault({}).describe('Access to the admin API.'),
  hookTimeoutMs: hookTimeoutMs
    .default(10_000)
    .describe('Time that one hook of one plugin may take, in milliseconds, unless its entry says otherwise.'),
  plugins: z
    .record(z.string(), z.union([z.literal(false), pluginEntry], { error: 'expected an object of options, or false' }))
    .describe('What runs: a plugin id, path or package (or a name, with `use`) and its options; false keeps it out.'),
});

/** What an author writes, for `satisfies ConfigInput` in a `.ts` config. */
export type ConfigInput = z.input<typeof configShape>;

/** A checked config: references replaced, defaults filled in, paths absolute. */
export interface Config extends Omit<z.output<typeof configShape>, 'dataDir'> {
  readonly dataDir: string;
}

/** One entry of `plugins`: what is the kernel's, and the plugin's options as yet unchecked. */
export type PluginEntry = z.output<typeof pluginEntry>;

function wholeNumber(min: number, max?: number) {
  const error = max === undefined ? `expected a whole number from ${min}` : `expected a number from ${min} to ${max}`;
  const atLeast = z.int(error).min(min, error);
  return max === undefined ? atLeast : atLeast.max(max, error);
}

/** At most what a timer can wait: a longer one would go off at once. */
function milliseconds(min: number) {
  return wholeNumber(min).max(2_147_483_647, 'expected at most 2147483647 milliseconds, 24 days');
}

function secret() {
  return z
    .string()
    .min(1)
    .transform((value) => new Secret(value));
}
