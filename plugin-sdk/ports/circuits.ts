import { definePort } from '../ports.ts';

/** Targets of this process that are left alone because their calls keep failing. */
export interface Circuits {
  /** Those that are not closed, and so are not called as usual. */
  open(): readonly OpenCircuit[];
  /** How often circuits have opened since the config runs, by provider; failed probes are not counted. */
  openings(): ReadonlyMap<string, number>;
}

export interface OpenCircuit {
  readonly provider: string;
  readonly model: string;
  /** `half-open`: its time is over, and one call passes or will pass as a probe. */
  readonly state: 'open' | 'half-open';
  /** Milliseconds since 1970 until which no call passes, or passed. */
  readonly until: number;
}

/** For APIs: times as ISO 8601. */
export function shownCircuits(circuits: Circuits | undefined) {
  return (circuits?.open() ?? []).map(({ until, ...circuit }) => ({
    ...circuit,
    until: new Date(until).toISOString(),
  }));
}

export const circuitsPort = definePort<Circuits>('circuits');
