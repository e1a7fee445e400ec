import { z } from 'zod';
import { definePlugin, providersAsKeys } from '../../plugin-sdk/index.ts';

const ms = (text: string) => z.number().int().min(0).optional().describe(`${text}, in milliseconds; 0 for no limit.`);

const limits = z.strictObject({
  connectMs: ms('Time to open a connection'),
  firstContentMs: ms('Time from sending a call to its first content, or to the whole reply when it is no stream'),
  betweenEventsMs: ms('Silence in a stream once it has content'),
  totalMs: ms('Time for everything, retries and fallbacks included'),
  holdBackMs: ms('How long the start of a stream is held back for its first content, so that a late error fails over'),
  holdBackBytes: z.number().int().min(0).optional().describe('How much of it is held back at most.'),
});
type Limits = z.output<typeof limits>;

/** Sets the time limits that the kernel holds every call to. The fifth, for queues, belongs to plugins/concurrency. */
export default definePlugin({
  name: 'plugins/timeouts',
  description: 'Time limits for connecting, the first content, silence in a stream and everything together.',
  options: z.strictObject({
    ...limits.shape,
    providers: z.record(z.string(), limits).default({}).describe('Other limits for a provider, by instance name.'),
  }),
  namesProviders: providersAsKeys,
  setup({ providers, ...base }) {
    const general = present(base);
    const special = new Map(Object.entries(providers).map(([name, own]) => [name, { ...general, ...present(own) }]));
    return {
      hooks: {
        // The time for everything runs from the first target on, whichever serves in the end.
        transformRequest(_request, { policy, targets }) {
          const { totalMs } = special.get(targets[0]?.provider ?? '') ?? general;
          if (totalMs !== undefined) policy.timeouts.totalMs = totalMs;
        },
        selectKey: {
          order: 'pre',
          handler({ exchange: { policy }, target }) {
            const { connectMs, firstContentMs, betweenEventsMs, holdBackMs, holdBackBytes } =
              special.get(target.provider) ?? general;
            if (connectMs !== undefined) policy.timeouts.connectMs = connectMs;
            if (firstContentMs !== undefined) policy.timeouts.firstContentMs = firstContentMs;
            if (betweenEventsMs !== undefined) policy.timeouts.betweenEventsMs = betweenEventsMs;
            if (holdBackMs !== undefined) policy.holdBack.ms = holdBackMs;
            if (holdBackBytes !== undefined) policy.holdBack.bytes = holdBackBytes;
          },
        },
      },
    };
  },
});

function present(given: Limits): Limits {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
