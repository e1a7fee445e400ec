import { GatewayError, type Host, type KeyState, type Route } from '../../plugin-sdk/index.ts';
import { circuitsPort, shownCircuits } from '../../plugin-sdk/ports/circuits.ts';
import { type CandidateLists, stateOf, wake } from './candidates.ts';

/**
 * `GET /api/keys`: every key with its health, never its value, and the targets that are left alone.
 * `POST /api/keys/PROVIDER/KEY/wake` ends a rest.
 */
export function healthRoutes(host: Host, lists: CandidateLists): Route[] {
  return [
    {
      type: 'handler',
      method: 'GET',
      path: '/api/keys',
      guard: { admin: 'read' },
      async handler(context) {
        const keys = [];
        for (const provider of host.providers.values()) {
          for (const { name, weight, models, blockedModels, enabled } of await lists.keysOf(provider)) {
            const health = describe(stateOf(host.keyHealth, provider.name, name), host.clock.now());
            keys.push({ provider: provider.name, name, weight, models, blockedModels, enabled, ...health });
          }
        }
        return context.json({ keys, circuits: shownCircuits(host.findPort(circuitsPort)) });
      },
    },
    {
      type: 'handler',
      method: 'POST',
      path: '/api/keys/:provider/:key/wake',
      guard: { admin: 'write' },
      handler(context) {
        const { provider = '', key = '' } = context.req.param() as { provider?: string; key?: string };
        const state = host.keyHealth.get(provider, key);
        if (state === undefined) throw new GatewayError('STORE_UNKNOWN', { entity: 'key', id: `${provider}/${key}` });
        wake(state);
        return context.json({ provider, name: key, ...describe(state, host.clock.now()) });
      },
    },
  ];
}

function describe({ restsUntil, reason, failures, inFlight, latencyMs, modelRests }: KeyState, now: number) {
  const isResting = restsUntil > now;
  const resting = [...(modelRests ?? [])].filter(([, rest]) => rest.until > now);
  return {
    state: isResting ? 'resting' : resting.length > 0 ? 'resting for some models' : 'serving',
    restsUntil: isResting ? untilText(restsUntil) : null,
    reason: isResting ? (reason ?? null) : null,
    restingModels: resting.map(([model, rest]) => ({ model, restsUntil: untilText(rest.until), reason: rest.reason })),
    failures,
    inFlight,
    latencyMs: latencyMs === undefined ? null : Math.round(latencyMs),
  };
}

function untilText(until: number): string {
  return Number.isFinite(until) ? new Date(until).toISOString() : 'config change or probe';
}
