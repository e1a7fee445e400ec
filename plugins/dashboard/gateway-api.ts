import type { HandlerRoute, Host } from '../../plugin-sdk/index.ts';
import { circuitsPort, shownCircuits } from '../../plugin-sdk/ports/circuits.ts';

/** `GET /api/gateway`: what the process that answers knows of itself, for tools such as `bifrost-kernel top`. */
export function gatewayRoute(host: Host): HandlerRoute {
  return {
    type: 'handler',
    method: 'GET',
    path: '/api/gateway',
    guard: { admin: 'read' },
    handler(context) {
      const { config: _, ...view } = host.inspect();
      const now = host.clock.now();
      const keys = view.providers.flatMap(({ name: provider, keys: names }) =>
        names.map((name) => {
          const state = host.keyHealth.get(provider, name);
          const isResting = (state?.restsUntil ?? 0) > now;
          return {
            provider,
            name,
            resting: isResting,
            restingModels: [...(state?.modelRests ?? [])]
              .filter(([, { until }]) => until > now)
              .map(([model]) => model),
            reason: isResting ? (state?.reason ?? null) : null,
            failures: state?.failures ?? 0,
            inFlight: state?.inFlight ?? 0,
            latencyMs: state?.latencyMs ?? null,
          };
        }),
      );
      const circuits = shownCircuits(host.findPort(circuitsPort));
      return context.json({ ...view, startedAt: new Date(view.startedAt).toISOString(), keys, circuits });
    },
  };
}
