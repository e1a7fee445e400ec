import { startGateway } from '../../plugin-sdk/testing/index.ts';

/** One gateway process among several on one data folder: node async-jobs-child.ts FOLDER PORT PLUGINS-AS-JSON */
const [dataDir, port, plugins] = process.argv.slice(2) as [string, string, string];
const gateway = await startGateway({ dataDir, server: { port: Number(port) }, plugins: JSON.parse(plugins) });
process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
process.send?.({ url: gateway.url });
