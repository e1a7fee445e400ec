import { startGateway } from '../../plugin-sdk/testing/index.ts';

/** A gateway in a process of its own, which tells how much memory it uses. Arguments: the URL of an upstream. */
const [url] = process.argv.slice(2);
const keys = [{ name: 'main', value: 'sk-upstream' }];
const gateway = await startGateway({
  plugins: {
    'routes/openai-passthrough': {},
    'routes/anthropic-passthrough': {},
    'providers/openai': { baseUrl: url, keys },
    'providers/anthropic': { baseUrl: url, keys },
  },
});
let most = 0;
const sample = (): void => {
  most = Math.max(most, process.memoryUsage.rss());
};
setInterval(sample, 20);
process.on('message', (word) => {
  if (word === 'close') void gateway.close().then(() => process.exit(0));
  // The most since the last question.
  sample();
  process.send!({ most });
  most = 0;
});
process.send!({ port: gateway.port });
