import {
  definePlugin,
  type Exchange,
  type Host,
  isGatewayError,
  type Operation,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { type CacheRequest, cachedAnswersPort, cachePort, cacheRequestSlot } from '../../plugin-sdk/ports/cache.ts';
import { Embedder } from './embedder.ts';
import { graphMaker } from './graph-maker.ts';
import { IndexFiles } from './index-files.ts';
import { Indexes } from './indexes.ts';
import { semanticCacheOptions } from './options.ts';
import { type Question, questionOf } from './question.ts';

const conversations: ReadonlySet<Operation> = new Set(['chat', 'responses', 'completions']);

/** Answers a question with the answer to one that means the same, under everything that the exact cache keeps apart. */
export default definePlugin({
  name: 'plugins/semantic-cache',
  description: 'Answers requests that mean the same as an earlier one of the same caller, by embeddings.',
  options: semanticCacheOptions,
  requires: [cachePort.capability, cachedAnswersPort.capability],
  async setup(options, host) {
    const store = host.port(cachePort);
    const answers = host.port(cachedAnswersPort);
    const files = new IndexFiles(host, store.vectorsId, await graphMaker(host));
    const indexes = new Indexes(store, files, options.maxVectors);
    const embedder = new Embedder(host, options);

    const find = async (
      exchange: Exchange,
      request: CacheRequest,
      { partition }: Question,
      embedding: Promise<Float32Array | undefined>,
      isLate: () => boolean,
    ): Promise<Reply | undefined> => {
      const vector = await embedding;
      if (vector === undefined || isLate()) return undefined;
      const index = indexes.of(partition);
      await index.follow();
      const threshold = request.threshold ?? options.threshold;
      for (const { position, similarity } of index.search(vector, threshold)) {
        const row = await store.vectorAt(partition, position);
        const entry = row === undefined ? undefined : await store.get(row.scope, row.key);
        if (isLate()) return undefined;
        if (entry === undefined) index.remove(position);
        else if (entry.scope === request.scope) return answers.reply(exchange, entry, Math.min(1, similarity));
      }
      return undefined;
    };

    const lookUp = (exchange: Exchange): Promise<Reply | undefined> | undefined => {
      const request = exchange.get(cacheRequestSlot);
      if (request === undefined || request.answered || request.type === 'direct' || host.draining) return undefined;
      const question = conversations.has(exchange.operation) ? readQuestion(exchange, request, options) : undefined;
      if (question === undefined) return undefined;
      const embedding = embedder.embed(question.text, exchange).catch((err: unknown) => {
        exchange.note(host.plugin, 'no embedding', { reason: reasonOf(err) });
        host.log.warn({ request: exchange.id, err }, 'a question could not be embedded');
        return undefined;
      });
      request.onStored(() => {
        const added = embedding.then(
          (vector) => vector && store.addVector(request.scope, request.key, question.partition, vector),
        );
        added.catch((err: unknown) => host.log.warn({ request: exchange.id, err }, 'a vector could not be kept'));
      });
      return within(options.timeLimitMs, host, (isLate) => find(exchange, request, question, embedding, isLate));
    };

    return {
      hooks: { preRoute: { order: 'post', handler: lookUp } },
      teardown: () => indexes.close(),
    };
  },
});

/** A request that cannot be read is for the provider to judge. */
function readQuestion(
  exchange: Exchange,
  request: CacheRequest,
  options: Parameters<typeof questionOf>[2],
): Question | undefined {
  try {
    return questionOf(exchange, request, options);
  } catch (cause) {
    if (isGatewayError(cause)) return undefined;
    throw cause;
  }
}

/** For records, which hold no words of a provider; those are in the log. */
function reasonOf(err: unknown): string {
  const isRefused = isGatewayError(err) && err.code === 'UP_STATUS';
  return isRefused ? `answered with status ${err.status}` : (err as Error).message;
}

/** What the work gives in time; work that is late must not act on the exchange any more. A failure is nothing found. */
function within(
  ms: number,
  host: Host,
  work: (isLate: () => boolean) => Promise<Reply | undefined>,
): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    let late = false;
    const stop = host.clock.after(ms, () => {
      late = true;
      resolve(undefined);
    });
    work(() => late).then(
      (reply) => {
        stop();
        resolve(reply);
      },
      (err: unknown) => {
        stop();
        host.log.warn({ err }, 'a semantic look-up failed');
        resolve(undefined);
      },
    );
  });
}
