import type { Attempt, KeyFilter } from '../../plugin-sdk/index.ts';
import type { Candidate } from './candidates.ts';
import type { KeyPoolOptions } from './options.ts';

/** Share of the calls with which the slower keys are measured anew. */
const exploring = 0.02;

export interface Selection {
  readonly attempt: Attempt;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly filter: KeyFilter | undefined;
  readonly pinned: string | undefined;
}

/** Whether a key may take this attempt now. */
export function isReady({ key, state, model }: Candidate, { attempt, now, filter, pinned }: Selection): boolean {
  if (state.restsUntil > now || attempt.triedKeys.has(key.name)) return false;
  if (pinned !== undefined && pinned !== key.name) return false;
  const rest = state.modelRests?.get(model);
  if (rest !== undefined && rest.until > now) return false;
  return filter === undefined || filter(attempt.target.provider, key.name);
}

/** Chooses among the candidates that are ready; `undefined` when none is. Makes nothing: it runs on every attempt. */
export function choose(
  may: readonly Candidate[],
  selection: Selection,
  strategy: KeyPoolOptions['strategy'],
): Candidate | undefined {
  if (strategy === 'weighted') return byWeight(may, selection);
  if (strategy === 'latency' && Math.random() < exploring) return byWeight(may, selection);
  return byScore(may, selection, strategy === 'latency' ? latencyScore : loadScore);
}

/** A key of weight 0 is a spare: it serves when no other can. */
function byWeight(may: readonly Candidate[], selection: Selection): Candidate | undefined {
  let total = 0;
  let spare: Candidate | undefined;
  for (const candidate of may) {
    if (!isReady(candidate, selection)) continue;
    total += candidate.weight;
    spare ??= candidate;
  }
  if (total === 0) return spare;
  let ticket = Math.random() * total;
  let chosen = spare;
  for (const candidate of may) {
    if (candidate.weight === 0 || !isReady(candidate, selection)) continue;
    chosen = candidate;
    ticket -= candidate.weight;
    if (ticket < 0) break;
  }
  return chosen;
}

function byScore(
  may: readonly Candidate[],
  selection: Selection,
  score: (candidate: Candidate) => number,
): Candidate | undefined {
  let best: Candidate | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  let equals = 0;
  for (const candidate of may) {
    if (!isReady(candidate, selection)) continue;
    const own = score(candidate);
    if (best !== undefined && own > lowest) continue;
    equals = own === lowest ? equals + 1 : 1;
    // Each of several equals is kept with the same chance.
    if (own < lowest || best === undefined || Math.random() * equals < 1) best = candidate;
    lowest = own;
  }
  return best;
}

/** Calls that would run per unit of weight. */
function loadScore({ state, weight }: Candidate): number {
  return (state.inFlight + 1) / weight;
}

/** Expected wait; a key never measured comes first, so that it is. */
function latencyScore({ state, weight }: Candidate): number {
  return ((state.latencyMs ?? 0) * (state.inFlight + 1)) / weight;
}
