import type { Host } from '../../plugin-sdk/index.ts';
import { circuitsPort } from '../../plugin-sdk/ports/circuits.ts';
import { ReadMetric } from './series.ts';
import type { Source } from './source.ts';

/**
 * Targets that are left alone because they keep failing; a closed circuit has no series. Models are names that clients
 * choose, so only so many are shown.
 */
export function circuitSource(host: Host, maxModels: number): Source {
  const circuits = new ReadMetric('gauge', 'bifrost_circuits', '1 while the circuit of a target is in that state.');
  const openings = new ReadMetric(
    'counter',
    'bifrost_circuit_openings_total',
    'Circuits that opened; failed probes do not count.',
  );
  return {
    name: 'circuits',
    metrics: [circuits, openings],
    read() {
      const known = host.findPort(circuitsPort);
      circuits.rows = (known?.open() ?? [])
        .slice(0, maxModels)
        .map(({ provider, model, state }) => ({ labels: { provider, model, state }, value: 1 }));
      openings.rows = [...(known?.openings() ?? [])].map(([provider, value]) => ({ labels: { provider }, value }));
    },
  };
}
