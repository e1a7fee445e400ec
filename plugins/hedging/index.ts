import { z } from 'zod';
import { definePlugin, GatewayError } from '../../plugin-sdk/index.ts';
import { Latencies } from './latencies.ts';

const maxTargets = 2_000;
/** Hedges that may start at once before calls have earned any. */
const burst = 10;

/** Starts a second attempt when the first is slower than its target usually is; the first content wins. Opt in. */
export default definePlugin({
  name: 'plugins/hedging',
  description: 'A second attempt beside a slow one; the first content wins and the other is cancelled.',
  options: z.strictObject({
    share: z.number().min(0).max(1).default(0.07).describe('Most hedged attempts as a share of the calls.'),
    percentile: z
      .number()
      .min(0.5)
      .max(0.999)
      .default(0.95)
      .describe('Share of calls that are faster than the wait before a hedge.'),
    minimumMs: z.number().int().min(0).default(10).describe('Shortest wait before a hedge, in milliseconds.'),
    samples: z.number().int().min(5).default(20).describe('Calls of a target that must have been measured first.'),
    operations: z
      .array(z.string())
      .default(['chat', 'responses', 'completions', 'embeddings'])
      .describe('Operations whose repetition costs nothing but tokens.'),
  }),
  setup({ share, percentile, minimumMs, samples, operations }) {
    const latencies = new Map<string, Latencies>();
    const hedged = new Set(operations);
    let left = burst;
    return {
      hooks: {
        selectKey: {
          order: 'pre',
          handler(attempt) {
            const { exchange, target, reason } = attempt;
            if (reason === 'hedge') {
              // Asked again here, because many calls may have found the same share unspent.
              if (left < 1) throw new GatewayError('LIMIT_HEDGE', {});
              left -= 1;
              exchange.note('plugins/hedging', 'starts a second attempt', {
                afterMs: exchange.policy.hedgeAfterMs ?? 0,
              });
              return;
            }
            if (!hedged.has(exchange.operation)) return;
            left = Math.min(left + share, burst);
            const name = `${target.provider}/${target.model}${exchange.stream ? ' stream' : ''}`;
            let known = latencies.get(name);
            if (known === undefined) {
              if (latencies.size >= maxTargets) latencies.delete(latencies.keys().next().value!);
              latencies.set(name, (known = new Latencies(percentile)));
            }
            const measured = known;
            const isDue = measured.count >= samples && left >= 1;
            const afterMs = isDue ? Math.max(minimumMs, measured.slow) : undefined;
            exchange.policy.hedgeAfterMs = afterMs;
            attempt.onEnd(({ result, durationMs, firstContentMs }) => {
              // One that lost against its hedge is known to be slower than the wait, and no more.
              if (result === 'ok') measured.add(firstContentMs ?? durationMs);
              else if (result === 'abandoned' && !exchange.clientGone && afterMs !== undefined) measured.add(afterMs);
            });
          },
        },
      },
    };
  },
});
