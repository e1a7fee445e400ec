import { bind, definePlugin, type Host, parsePeriod, periodLength } from '../../plugin-sdk/index.ts';
import { type RecordQueue, type Records, recordQueuePort, recordsPort } from '../../plugin-sdk/ports/records.ts';
import { ContentRecorder, mayRecordContent } from './content.ts';
import { LiveFeed } from './live-feed.ts';
import { type RecordsOptions, recordsOptions } from './options.ts';
import { recordOf, withContent } from './record-of.ts';
import { redactor } from './redact.ts';
import { recordRoutes } from './routes.ts';
import { WriteQueue } from './write-queue.ts';

const closeLimitMs = 5_000;

/** One record per exchange, off the request path, and an API to ask for them. */
export default definePlugin({
  name: 'plugins/records',
  description: 'Keeps a record of every exchange; contents only when turned on.',
  options: recordsOptions,
  requires: [recordsPort.capability],
  after: ['plugins/pricing', 'plugins/governance', 'plugins/async-jobs'],
  provides: [recordQueuePort.capability],
  setup(options, host) {
    const store = host.port(recordsPort);
    const queue = new WriteQueue(store, options, host.clock, host.log);
    const live = new LiveFeed(store, host.clock);
    const redact = redactor(options.content.redact);
    const recorder = mayRecordContent(options.content) ? new ContentRecorder(options.content, redact) : undefined;
    const stopCleaning = cleanRegularly(store, options, host);
    return {
      ports: [bind<RecordQueue>(recordQueuePort, queue)],
      routes: recordRoutes({ host, store, queue, live }),
      hooks: {
        // Only then: asking to see replies has them parsed.
        ...(recorder === undefined
          ? {}
          : {
              transformResponse: {
                order: 'post' as const,
                handler: {
                  json: (reply, exchange) => recorder.seeReply(reply, exchange),
                  stream: (exchange) => recorder.watchStream(exchange),
                },
              },
            }),
        postLog: {
          order: 'post',
          handler(exchange, outcome) {
            const record = recordOf(exchange, outcome, host.generation, options.metadataHeaders, redact);
            const kept = recorder?.contentOf(exchange);
            queue.add(kept === undefined ? record : withContent(record, kept.content, kept.responseId));
          },
        },
      },
      async teardown() {
        live.close();
        stopCleaning();
        await queue.close(closeLimitMs);
      },
    };
  },
});

function cleanRegularly(store: Records, { retention }: RecordsOptions, { clock, log }: Host): () => void {
  const ageMs = periodLength(parsePeriod(retention.age)!);
  let stop: () => void = () => undefined;
  let stopped = false;
  const clean = async (): Promise<void> => {
    try {
      const removed = await store.prune({ before: clock.now() - ageMs, maxBytes: retention.bytes });
      if (removed > 0) log.info({ records: removed }, 'old records were removed');
    } catch (cause) {
      log.warn({ err: cause }, 'old records could not be removed');
    }
    next();
  };
  const next = (): void => {
    if (!stopped) stop = clock.after(retention.everyMs, () => void clean());
  };
  next();
  return () => {
    stopped = true;
    stop();
  };
}
