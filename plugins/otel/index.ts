import { chain, definePlugin } from '../../plugin-sdk/index.ts';
import { jobRunSlot, jobsPort } from '../../plugin-sdk/ports/jobs.ts';
import { otelOptions } from './options.ts';

/**
 * A trace of each exchange for OpenTelemetry: its hooks, its attempts, the job it belongs to. Only plugins that run after
 * it are seen, so it comes first in the config.
 */
export default definePlugin({
  name: 'plugins/otel',
  description: 'Traces by OpenTelemetry with GenAI names, sent to a collector by OTLP.',
  options: otelOptions,
  async setup(options, host) {
    // Only now: listing plugins and checking configs must not load the SDK.
    const { Tracing } = await import('./tracing.ts');
    const tracing = new Tracing(options, host);
    return {
      hooks: {
        preRoute: {
          order: 'pre',
          handler(exchange) {
            const run = exchange.get(jobRunSlot);
            const job = run === undefined ? undefined : host.findPort(jobsPort)?.get(run.id);
            return chain(job, (found) => void tracing.begin(exchange, run, found));
          },
        },
        postLog: { order: 'post', handler: (exchange, outcome) => tracing.end(exchange, outcome) },
      },
      teardown: () => tracing.close(),
    };
  },
});
