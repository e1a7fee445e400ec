import type { Conversation, Message, Reasoning } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import type { ClaudeCapabilities, EffortLevel } from './capabilities.ts';

/** How a request will think, and the `max_tokens` that leaves room for it. */
export interface ThinkingPlan {
  readonly thinking?: JsonObject;
  readonly effort?: EffortLevel;
  readonly maxTokens: number;
  /** Thinking restricts sampling, forced tools and prefill. */
  readonly on: boolean;
}

/** Anthropic wants answers that may take over ten minutes to be streamed: 3600 s · max_tokens / 128 000 > 600 s. */
const mostWithoutStream = 21_333;
const leastBudget = 1_024;
const budgets: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
};
const levels: readonly EffortLevel[] = ['low', 'medium', 'high', 'xhigh', 'max'];

/** Brings the wanted reasoning to what the model has; `lost` hears of what it cannot follow. */
export function planThinking(
  conversation: Conversation,
  can: ClaudeCapabilities,
  stream: boolean,
  lost: (path: string) => void,
): ThinkingPlan {
  const reasoning = conversation.reasoning ?? {};
  const maxTokens = limitOf(conversation, can, stream, lost);
  const { effort, budgetTokens, adaptive, show } = reasoning;
  if (effort === undefined && budgetTokens === undefined && adaptive === undefined) {
    // Without being asked to think, Claude has no thinking to show.
    if (show !== undefined && show !== 'none') lost('reasoning.summary');
    return { maxTokens, on: false };
  }
  if (effort === 'none' || budgetTokens === 0) return withoutThinking(can, maxTokens, lost);
  if (can.thinking.includes('adaptive') && !(budgetTokens !== undefined && can.thinking.includes('budget'))) {
    const level = nearestLevel(effort ?? levelOfBudget(budgetTokens), can.effort);
    return {
      thinking: { type: 'adaptive', ...displayOf(reasoning) },
      ...(level && { effort: level }),
      maxTokens,
      on: true,
    };
  }
  if (!can.thinking.includes('budget') || loopLacksThinking(conversation, can)) {
    lost('reasoning_effort');
    return { maxTokens, on: false };
  }
  return withBudget(reasoning, can, maxTokens, lost);
}

function withoutThinking(can: ClaudeCapabilities, maxTokens: number, lost: (path: string) => void): ThinkingPlan {
  if (can.thinking.includes('between-tools')) return { thinking: { type: 'between_tools' }, maxTokens, on: false };
  if (!can.thinking.includes('adaptive')) return { maxTokens, on: false };
  if (can.thinking.includes('off')) return { thinking: { type: 'disabled' }, maxTokens, on: false };
  lost('reasoning_effort');
  return { effort: 'low', maxTokens, on: true };
}

function withBudget(
  reasoning: Reasoning,
  can: ClaudeCapabilities,
  limit: number,
  lost: (path: string) => void,
): ThinkingPlan {
  const explicit = reasoning.budgetTokens !== undefined;
  const wanted = Math.max(reasoning.budgetTokens ?? budgets[reasoning.effort ?? 'medium']!, leastBudget);
  // An effort says nothing of how many tokens it takes, so the answer keeps its own limit beside the budget.
  const raised = explicit && wanted < limit ? limit : limit + wanted;
  const maxTokens = Math.min(raised, Math.max(can.maxOutput, limit));
  const budget = Math.min(wanted, maxTokens - 1);
  if (budget < leastBudget) {
    lost('reasoning_effort');
    return { maxTokens: limit, on: false };
  }
  const display = can.thinking.includes('adaptive') ? displayOf(reasoning) : {};
  return { thinking: { type: 'enabled', budget_tokens: budget, ...display }, maxTokens, on: true };
}

function limitOf(
  conversation: Conversation,
  can: ClaudeCapabilities,
  stream: boolean,
  lost: (path: string) => void,
): number {
  const wanted = conversation.maxOutputTokens;
  if (wanted === undefined) return stream ? can.maxOutput : Math.min(can.maxOutput, mostWithoutStream);
  if (can.maker === undefined || wanted <= can.maxOutput) return wanted;
  lost('max_completion_tokens');
  return can.maxOutput;
}

/** `show` as the `display` of a thinking object. */
export function displayOf(reasoning: Reasoning): JsonObject {
  return reasoning.show === undefined ? {} : { display: reasoning.show === 'none' ? 'omitted' : 'summarized' };
}

function levelOfBudget(tokens: number | undefined): EffortLevel | undefined {
  if (tokens === undefined) return undefined;
  return tokens <= 2_048 ? 'low' : tokens <= 8_192 ? 'medium' : tokens <= 24_576 ? 'high' : 'max';
}

/** The strongest level the model has that is not above the wanted one, or its weakest. */
function nearestLevel(wanted: Reasoning['effort'], has: readonly EffortLevel[]): EffortLevel | undefined {
  if (wanted === undefined) return undefined;
  const rank = wanted === 'minimal' ? 0 : levels.indexOf(wanted as EffortLevel);
  return has.findLast((level) => levels.indexOf(level) <= rank) ?? has[0];
}

/** Index of the first message of the running tool loop: everything after the last thing that the user said. */
export function toolLoopStart(messages: readonly Message[]): number {
  return (
    messages.findLastIndex(
      (message) => message.role === 'user' && message.blocks.some((block) => block.type !== 'tool-result'),
    ) + 1
  );
}

/** With a budget, an assistant turn in a running tool loop must begin with its signed thinking; else thinking must be off. */
function loopLacksThinking(conversation: Conversation, can: ClaudeCapabilities): boolean {
  const loop = conversation.messages
    .slice(toolLoopStart(conversation.messages))
    .filter((message) => message.role === 'assistant');
  const signed = loop.some((message) =>
    message.blocks.some(
      (block) =>
        block.type === 'reasoning' && block.maker === can.maker && (block.signature ?? block.encrypted) !== undefined,
    ),
  );
  return loop.length > 0 && !signed;
}
