import type { Reasoning } from '../../conversation/index.ts';

export type Effort = NonNullable<Reasoning['effort']>;

const levels: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** The wanted effort, or of those that the model has the strongest that is not above it; `has`: absent for all. */
export function effortOf(reasoning: Reasoning | undefined, has: readonly Effort[] | undefined): Effort | undefined {
  const wanted = reasoning?.effort ?? effortOfBudget(reasoning?.budgetTokens);
  if (wanted === undefined || has === undefined || has.includes(wanted)) return wanted;
  const rank = levels.indexOf(wanted);
  return has.findLast((level) => levels.indexOf(level) < rank) ?? has[0];
}

/** The effort nearest to a thinking budget in tokens: the OpenAI formats have words only. */
export function effortOfBudget(tokens: number | undefined): Effort | undefined {
  if (tokens === undefined) return undefined;
  if (tokens <= 0) return 'none';
  if (tokens <= 2_048) return 'low';
  return tokens <= 12_288 ? 'medium' : 'high';
}
