import type { Conversation, Reasoning } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import type { GeminiCapabilities } from './capabilities.ts';
import { isNative } from './notes.ts';

type Effort = NonNullable<Reasoning['effort']>;

/** Tokens for an effort, as Google's own OpenAI endpoint maps them; undefined stands for the most there is. */
const budgets: Readonly<Record<Effort, number | undefined>> = {
  none: 0,
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: undefined,
  max: undefined,
};

const ladder: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/**
 * `thinkingConfig` in the words that the model understands: a budget for 2.5, a level from 3 on; the other kind would be
 * refused. An effort that the model lacks becomes the nearest it has.
 */
export function encodeThinking(
  conversation: Conversation,
  capabilities: GeminiCapabilities,
  lost: (path: string) => void,
): JsonObject | undefined {
  const { reasoning } = conversation;
  if (reasoning === undefined) return undefined;
  const show = reasoning.show === undefined ? {} : { includeThoughts: reasoning.show !== 'none' };
  if (isNative(conversation)) return { ...show, ...asRead(reasoning) };
  if (capabilities.thinking === 'none') {
    if (reasoning.effort !== undefined && reasoning.effort !== 'none') lost('reasoning_effort');
    return undefined;
  }
  if (reasoning.effort === 'none' && !capabilities.canDisable) lost('reasoning_effort');
  const amount =
    capabilities.thinking === 'budget' ? asBudget(reasoning, capabilities) : asLevel(reasoning, capabilities);
  const config = { ...show, ...amount };
  return Object.keys(config).length > 0 ? config : undefined;
}

function asRead({ effort, budgetTokens, adaptive }: Reasoning): JsonObject {
  const config: JsonObject = {};
  if (effort !== undefined) config['thinkingLevel'] = effort.toUpperCase();
  if (adaptive === true) config['thinkingBudget'] = -1;
  else if (budgetTokens !== undefined) config['thinkingBudget'] = budgetTokens;
  return config;
}

function asBudget(reasoning: Reasoning, { minBudget, maxBudget, canDisable }: GeminiCapabilities): JsonObject {
  const { effort, budgetTokens } = reasoning;
  if (effort === undefined && budgetTokens === undefined)
    return reasoning.adaptive === true ? { thinkingBudget: -1 } : {};
  const wanted = budgetTokens ?? budgets[effort!] ?? maxBudget;
  if (wanted === 0 && canDisable) return { thinkingBudget: 0 };
  return { thinkingBudget: Math.min(Math.max(wanted, minBudget), maxBudget) };
}

function asLevel(reasoning: Reasoning, { levels }: GeminiCapabilities): JsonObject {
  const effort = reasoning.effort ?? effortOf(reasoning.budgetTokens);
  if (effort === undefined || levels.length === 0) return {};
  const rank = ladder.indexOf(effort);
  const distance = (level: string) => Math.abs(ladder.indexOf(level as Effort) - rank);
  const nearest = levels.reduce((best, level) => (distance(level) < distance(best) ? level : best));
  return { thinkingLevel: nearest.toUpperCase() };
}

function effortOf(tokens: number | undefined): Effort | undefined {
  if (tokens === undefined) return undefined;
  if (tokens === 0) return 'none';
  if (tokens < 1_024) return 'minimal';
  if (tokens < 8_192) return 'low';
  return tokens < 24_576 ? 'medium' : 'high';
}
