import type { Host } from '../../plugin-sdk/index.ts';
import type { GraphMaker } from './index-files.ts';

/** Neighbours looked at when a vector is added or searched: more find more and take longer. */
const addBreadth = 128;
const searchBreadth = 192;

/** The library has native code; `undefined` where that does not run. */
export async function graphMaker(host: Pick<Host, 'log'>): Promise<GraphMaker | undefined> {
  try {
    const { Index, MetricKind, ScalarKind } = await import('usearch');
    return (dimensions) =>
      new Index({
        metric: MetricKind.Cos,
        quantization: ScalarKind.F16,
        connectivity: 16,
        dimensions,
        expansion_add: addBreadth,
        expansion_search: searchBreadth,
        multi: false,
      });
  } catch (err) {
    host.log.warn({ err }, 'no vector index on this platform: every vector is compared');
    return undefined;
  }
}
