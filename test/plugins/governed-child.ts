import type { Upstream } from '../../plugin-sdk/testing/index.ts';
import { startGoverned } from './governed-gateway.ts';

/** A gateway in a process of its own: node governed-child.ts DATA_DIR UPSTREAM_URL GOVERNANCE_JSON */
const [dataDir, url, governance] = process.argv.slice(2) as [string, string, string];
const provider = (more: object) => ({ baseUrl: url, keys: [{ name: 'main', value: 'sk-upstream' }], ...more });
const gateway = await startGoverned({ provider } as unknown as Upstream, {
  dataDir,
  governance: JSON.parse(governance),
  plugins: { 'plugins/admin-api': {} } as never,
});
process.stdout.write(`${gateway.url}\n`);
process.once('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
