import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fillRecords, queueJobs } from './fill.ts';

export interface Candidate {
  readonly name: string;
  readonly kind: 'direct' | 'proxy' | 'kernel';
  /** The command that listens on `port`; none for a call straight to the upstream or to a gateway that runs already. */
  command?(
    port: number,
    upstream: number,
  ): { readonly command: readonly string[]; readonly environment?: NodeJS.ProcessEnv };
  /** What it finds in its data folder when it starts. */
  fillStore?(dataDir: string): Promise<void>;
  /** What it has to do already when it is measured. */
  fillQueue?(port: number): Promise<void>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly url?: string;
}

const silentPort = 19_199;
/** An upstream that never answers. */
const silence = createServer().unref();
const main = resolve(import.meta.dirname, '../../kernel/main.js');
const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-'));

export function kernel(
  name: string,
  plugins: object,
  headers?: Record<string, string>,
  server: object = {},
): Candidate {
  return {
    name,
    kind: 'kernel',
    ...(headers === undefined ? {} : { headers }),
    command(port, upstream) {
      const file = join(folder, `${name.replace(/\W+/g, '-')}.json`);
      const key = { keys: [{ name: 'main', value: 'sk-bench' }], baseUrl: `http://127.0.0.1:${upstream}` };
      writeFileSync(
        file,
        JSON.stringify({
          server,
          plugins: {
            'routes/openai': {},
            'routes/openai-passthrough': {},
            'providers/openai': key,
            'providers/anthropic': key,
            ...plugins,
          },
        }),
      );
      return {
        command: [process.execPath, main, 'start', '--config', file, '--port', String(port), '--log-level', 'error'],
        environment: { BIFROST_DATA_DIR: mkdtempSync(join(folder, 'data-')) },
      };
    },
  };
}

/** What a company runs: identity, limits, ledger, keys, retries, records, metrics, access log. */
export const company = {
  'plugins/governance': {
    required: true,
    virtualKeys: [
      {
        id: 'bench',
        name: 'bench',
        value: 'sk-bf-bench',
        budgets: [{ limit: 1_000_000, period: '1M' }],
        rateLimits: [{ requests: 1_000_000_000, tokens: 1_000_000_000_000, period: '1h' }],
      },
    ],
  },
  'plugins/pricing': {},
  'plugins/retries': {},
  'plugins/records': {},
  'plugins/metrics': {},
  'plugins/access-log': { destination: '/dev/null' },
};

const everything = {
  ...company,
  'plugins/circuit-breaker': {},
  'plugins/concurrency': {},
  'plugins/timeouts': {},
  'plugins/fallbacks': {},
  'plugins/model-router': {},
  'plugins/direct-keys': {},
  'plugins/azure-api-version': {},
  'plugins/vertex-detection': {},
  'plugins/async-jobs': {},
  'plugins/admin-api': {},
  'plugins/dashboard': {},
};
const virtualKey = { 'x-bf-vk': 'sk-bf-bench' };

/** The minimal config, and the same with each plugin alone. */
export function pluginCandidates(): Candidate[] {
  const each = Object.entries(everything).map(([id, options]) => kernel(`with ${id}`, { [id]: options }, virtualKey));
  return [kernel('kernel, minimal', {}, virtualKey), ...each];
}

/** The company config, and the same in a large company. */
export function scaleCandidates(): Candidate[] {
  const keys = Array.from({ length: 10_000 }, (_, number) => ({
    ...company['plugins/governance'].virtualKeys[0]!,
    id: `key-${number}`,
    name: `key-${number}`,
    value: `sk-bf-bench-${number}`,
  }));
  const governance = { ...company['plugins/governance'], virtualKeys: keys };
  const provider = (number: number) => [
    `provider-${number}`,
    { use: 'providers/openai-compatible', baseUrl: 'http://127.0.0.1:9', keys: [{ name: 'main', value: 'sk-other' }] },
  ];
  const providers = Object.fromEntries(Array.from({ length: 18 }, (_, number) => provider(number)));
  // Its first job waits for an answer for ever, and the others for that job.
  const silent = {
    silent: {
      use: 'providers/openai',
      baseUrl: `http://127.0.0.1:${silentPort}`,
      keys: [{ name: 'main', value: 'sk-bench' }],
    },
  };
  const jobs = { 'plugins/async-jobs': { concurrency: 1 } };
  return [
    kernel('kernel, company', company, virtualKey),
    kernel('company, 20 providers', { ...company, ...providers }, virtualKey),
    kernel('company, 20 providers, all plugins', { ...everything, ...providers }, virtualKey),
    kernel(
      'company, 10,000 virtual keys',
      { ...company, 'plugins/governance': governance },
      { 'x-bf-vk': 'sk-bf-bench-7777' },
    ),
    {
      ...kernel('company, 1,000,000 records', company, virtualKey),
      fillStore: (dataDir) => fillRecords(dataDir, 1_000_000),
    },
    kernel('company, async jobs', { ...company, 'plugins/async-jobs': {} }, virtualKey),
    {
      ...kernel('company, async jobs, 100,000 queued', { ...company, ...silent, ...jobs }, virtualKey),
      fillQueue: async (port) => {
        if (!silence.listening) silence.listen(silentPort);
        await queueJobs(port, 'silent/gpt-4o-mini', 100_000, virtualKey);
      },
    },
  ];
}

/** What does nothing but pass on. */
export function proxies(): Candidate[] {
  return spawnSync('nginx', ['-v']).status === 0 ? [pipe, nginx] : [pipe];
}

export function candidates(): Candidate[] {
  const list: Candidate[] = [{ name: 'direct', kind: 'direct' }, ...proxies()];
  list.push(
    kernel('kernel, minimal', {}),
    kernel('kernel, company', company, virtualKey),
    kernel('kernel, everything on', everything, virtualKey),
    kernel('kernel, company, 2 workers', company, virtualKey, { workers: 2 }),
  );
  const portkey = process.env['BENCH_PORTKEY'];
  if (portkey !== undefined && existsSync(portkey)) list.push(portkeyAt(portkey));
  const other = process.env['BENCH_URL'];
  if (other !== undefined) list.push({ name: other, kind: 'proxy', url: other });
  return list;
}

/** What Node itself costs. */
const pipe: Candidate = {
  name: "node's own http, piped",
  kind: 'proxy',
  command: (port, upstream) => ({
    command: [process.execPath, join(import.meta.dirname, 'tools/raw-pipe.ts'), String(port), String(upstream)],
  }),
};

const nginx: Candidate = {
  name: 'nginx proxy_pass',
  kind: 'proxy',
  command(port, upstream) {
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null;
events { worker_connections 16384; multi_accept on; }
http { access_log off; client_max_body_size 0; client_body_buffer_size 2m; keepalive_requests 100000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
 fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
 upstream up { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 100000000; }
 server { listen 127.0.0.1:${port} backlog=4096;
  location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off; } } }`,
    );
    return { command: ['nginx', '-c', file, '-p', folder] };
  },
};

/** The Portkey gateway, from the path of its start file. */
function portkeyAt(file: string): Candidate {
  return {
    name: 'Portkey',
    kind: 'proxy',
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': 'http://127.0.0.1:19200/v1' },
    command: (port) => ({
      command: [process.execPath, file, `--port=${port}`, '--headless'],
      environment: { TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    }),
  };
}
