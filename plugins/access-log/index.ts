import { definePlugin } from '../../plugin-sdk/index.ts';
import { accessLine } from './access-line.ts';
import { LineWriter } from './line-writer.ts';
import { accessLogOptions } from './options.ts';

/** One line of JSON per exchange. Names and numbers only: no header, body, credential or query ever reaches it. */
export default definePlugin({
  name: 'plugins/access-log',
  description: 'Writes one line of JSON per exchange to standard output or a file.',
  options: accessLogOptions,
  after: ['plugins/pricing', 'plugins/governance'],
  setup(options, host) {
    const writer = new LineWriter(options, host.clock, host.log);
    return {
      hooks: {
        postLog: { order: 'post', handler: (exchange, outcome) => writer.write(accessLine(exchange, outcome)) },
      },
      teardown: () => writer.close(),
    };
  },
});
