import { z } from 'zod';
import {
  callerSlot,
  definePlugin,
  GatewayError,
  type KeyedAttempt,
  providersAsKeys,
  queueMsSlot,
} from '../../plugin-sdk/index.ts';
import { FairQueue, type Place, type PlaceLimits } from './fair-queue.ts';

const limits = z.strictObject({
  concurrent: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Calls to a provider at once, in each worker process; no limit when absent.'),
  perKey: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Calls with one of its keys at once, in each worker process; no limit when absent.'),
  queue: z.number().int().min(0).optional().describe('Calls that may wait for a place; 1000 unless said.'),
  queueMs: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Time a call may wait, in milliseconds; 5000 unless said. Less than hookTimeoutMs.'),
});
type Limits = z.output<typeof limits>;

/** Bounds the calls that run at once, per provider and per key, with a queue that is fair between callers. */
export default definePlugin({
  name: 'plugins/concurrency',
  description: 'Limits and fair queues for calls that run at once, per provider and per key.',
  options: z.strictObject({
    ...limits.shape,
    providers: z.record(z.string(), limits).default({}).describe('Other limits for a provider, by instance name.'),
  }),
  after: ['identity'],
  namesProviders: providersAsKeys,
  setup({ providers, ...base }, host) {
    const queues = new Map<string, FairQueue>();
    const limitsOf = (provider: string): Limits => ({ ...base, ...present(providers[provider]) });
    const queueOf = (name: string, concurrent: number, { queue = 1_000, queueMs = 5_000 }: Limits): FairQueue => {
      let found = queues.get(name);
      if (found === undefined) {
        const places: PlaceLimits = { concurrent, queue, queueMs };
        queues.set(name, (found = new FairQueue(name, places, host.clock)));
      }
      return found;
    };
    const known = new Map<string, Limits>();
    return {
      hooks: {
        execute: {
          order: 'pre',
          handler(attempt) {
            const { provider } = attempt.target;
            let own = known.get(provider);
            if (own === undefined) known.set(provider, (own = limitsOf(provider)));
            const { concurrent, perKey } = own;
            const needed: FairQueue[] = [];
            if (concurrent !== undefined) needed.push(queueOf(provider, concurrent, own));
            // The caller's own key is the caller's own affair.
            if (perKey !== undefined && attempt.key.direct !== true)
              needed.push(queueOf(`${provider} with key ${attempt.key.name}`, perKey, own));
            return needed.length === 0 ? undefined : enterAll(needed, attempt);
          },
        },
      },
    };
  },
});

/** Takes a place in each, in order; only the first that is full makes a promise. */
function enterAll(queues: readonly FairQueue[], attempt: KeyedAttempt): Promise<undefined> | undefined {
  for (const [i, queue] of queues.entries()) {
    const place = enter(queue, attempt);
    if (place.entered !== undefined) return waitFor(place.entered, queues.slice(i + 1), attempt);
  }
  return undefined;
}

async function waitFor(
  entered: Promise<void>,
  further: readonly FairQueue[],
  attempt: KeyedAttempt,
): Promise<undefined> {
  const { exchange } = attempt;
  const started = performance.now();
  let unlisten = (): void => {};
  const gone = new Promise<never>((_, reject) => {
    unlisten = exchange.onClientGone(() => reject(new GatewayError('CLIENT_GONE', {})));
  });
  try {
    await Promise.race([entered, gone]);
  } finally {
    unlisten();
    exchange.set(queueMsSlot, (exchange.get(queueMsSlot) ?? 0) + performance.now() - started);
  }
  return enterAll(further, attempt);
}

/** Whatever becomes of the attempt, its place is free afterwards. */
function enter(queue: FairQueue, attempt: KeyedAttempt): Place {
  const { exchange } = attempt;
  const caller = exchange.get(callerSlot)?.id ?? exchange.clientAddress;
  const place = queue.enter(caller, attempt.reason !== 'hedge');
  attempt.onEnd(() => place.leave());
  return place;
}

function present(given: Limits | undefined): Limits {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
}
