import type { Reasoning } from '../../conversation/index.ts';

/** The effort nearest to a thinking budget in tokens: the OpenAI formats have words only. */
export function effortOfBudget(tokens: number | undefined): Reasoning['effort'] {
  if (tokens === undefined) return undefined;
  if (tokens <= 0) return 'none';
  if (tokens <= 2_048) return 'low';
  return tokens <= 12_288 ? 'medium' : 'high';
}
