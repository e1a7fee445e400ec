import { z } from 'zod';
import { type AttemptRecord, bind, type Clock, definePlugin, GatewayError } from '../../plugin-sdk/index.ts';
import { type Circuits, circuitsPort, type OpenCircuit } from '../../plugin-sdk/ports/circuits.ts';
import { Circuit } from './circuit.ts';
import { FailingKeys } from './failing-keys.ts';

const maxCircuits = 5_000;

/** Stops calling a target that keeps failing, so that its fallbacks serve at once, and finds out when it is back. */
export default definePlugin({
  name: 'plugins/circuit-breaker',
  description: 'Rests targets and keys that keep failing, and probes them until they are back.',
  options: z.strictObject({
    failureShare: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.5)
      .describe('Share of failed calls of a provider and model from which it rests.'),
    minimumCalls: z
      .number()
      .int()
      .min(1)
      .default(10)
      .describe('Calls in the window without which nothing is concluded.'),
    windowMs: z
      .number()
      .int()
      .min(100)
      .default(30_000)
      .describe('Window over which calls are counted, in milliseconds.'),
    openMs: z
      .number()
      .int()
      .min(1)
      .default(10_000)
      .describe('First rest, in milliseconds; doubles as long as probes fail.'),
    maxOpenMs: z.number().int().min(1).default(300_000).describe('Longest rest, in milliseconds.'),
    keyFailures: z
      .number()
      .int()
      .min(0)
      .default(5)
      .describe('Failures in a row after which a key rests while others of its provider work; 0 for never.'),
  }),
  provides: [circuitsPort.capability],
  setup(options, host) {
    const circuits = new Map<string, Watched>();
    const openings = new Map<string, number>();
    const keys = new FailingKeys(options.keyFailures, options.openMs, host);
    const circuitOf = (provider: string, model: string): Circuit => {
      const target = `${provider}/${model}`;
      let watched = circuits.get(target);
      if (watched === undefined) {
        // Clients choose model names, so the oldest must give way.
        if (circuits.size >= maxCircuits) circuits.delete(circuits.keys().next().value!);
        circuits.set(target, (watched = { provider, model, circuit: new Circuit(options) }));
      }
      return watched.circuit;
    };
    const view: Circuits = {
      open: () => [...circuits.values()].flatMap((watched) => openCircuit(watched, host.clock)),
      openings: () => openings,
    };
    return {
      ports: [bind(circuitsPort, view)],
      hooks: {
        selectKey: {
          order: 'pre',
          handler(attempt) {
            const target = `${attempt.target.provider}/${attempt.target.model}`;
            const circuit = circuitOf(attempt.target.provider, attempt.target.model);
            const now = host.clock.monotonic();
            const admitted = circuit.admit(now);
            if (admitted === 'refuse') {
              throw new GatewayError(
                'ROUTE_CIRCUIT_OPEN',
                { target },
                { retryAfterMs: Math.max(1, Math.ceil(circuit.openUntil - now)) },
              );
            }
            attempt.onEnd((record) => {
              const good = verdict(record);
              if (circuit.report(good, host.clock.monotonic(), admitted)) {
                if (admitted === 'pass') openings.set(record.provider, (openings.get(record.provider) ?? 0) + 1);
                host.log.warn(
                  { target, until: new Date(untilOf(circuit, host.clock)).toISOString() },
                  'a target rests after repeated failures',
                );
              }
              keys.learn(record, good);
            });
          },
        },
      },
    };
  },
});

interface Watched {
  readonly provider: string;
  readonly model: string;
  readonly circuit: Circuit;
}

/** One, or none when it is closed. */
function openCircuit({ provider, model, circuit }: Watched, clock: Clock): OpenCircuit[] {
  const state = circuit.stateAt(clock.monotonic());
  return state === 'closed' ? [] : [{ provider, model, state, until: untilOf(circuit, clock) }];
}

/** Milliseconds since 1970. */
function untilOf({ openUntil }: Circuit, clock: Clock): number {
  return Math.round(clock.now() + openUntil - clock.monotonic());
}

/** Whether a call speaks for its target or against it; `undefined` when it does neither, as with a refused key or request. */
function verdict({ result, error }: AttemptRecord): boolean | undefined {
  if (result === 'ok') return true;
  if (result === 'abandoned' || error === undefined || !error.code.startsWith('UP_')) return undefined;
  if (error.code === 'UP_AUTH') return undefined;
  if (error.code === 'UP_STATUS' || error.code === 'UP_STREAM_ERROR') return error.status >= 500 ? false : undefined;
  return false;
}
