import type { Conversation, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { present } from '../present.ts';
import { toolNames } from '../tool-names.ts';
import { type ClaudeCapabilities, capabilitiesOf } from './capabilities.ts';
import { dialectId } from './decode-block.ts';
import { cacheControl, forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { restoreMessages, type Turn, translateMessages } from './encode-messages.ts';
import { carriedFields, spellingOf } from './fields.ts';
import { reportUnsupported, usableStops } from './losses.ts';
import { planSampling } from './sampling.ts';
import { displayOf, planThinking } from './thinking.ts';
import { argumentSchema, planTools, type ToolPlan, type ToolTarget } from './tool-plan.ts';

const maxCacheMarks = 4;
const tiers: Readonly<Record<string, string>> = {
  auto: 'auto',
  priority: 'auto',
  default: 'standard_only',
  standard: 'standard_only',
};

/** Writes a Messages API body for `context.model`. */
export function encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  return conversation.carry?.[dialectId] === undefined
    ? translate(conversation, context)
    : restore(conversation, context);
}

/** A conversation that came from another format, made acceptable to the model. */
function translate(conversation: Conversation, context: EncodeContext): JsonObject {
  const lost = (path: string): void => context.lost(path);
  const can = capabilitiesOf(context.model, context.capabilities);
  reportUnsupported(conversation, lost);
  loseForeignCarry(conversation, dialectId, '', lost);
  if (conversation.metadata !== undefined) lost('metadata');
  const names = toolNames(conversation, forbiddenInNames, toolNameLimit);
  const { system, turns } = translateMessages(
    conversation,
    { names, maker: can.maker, lost },
    can.midConversationSystem,
  );
  const thought = planThinking(conversation, can, context.stream, lost);
  const mayForce = can.forcedToolChoice && !thought.on;
  const target: ToolTarget = {
    dialect: dialectId,
    names,
    nativeSchema: can.nativeSchema,
    force: { any: mayForce, tool: mayForce },
  };
  const plan = planTools(conversation, target, lost);
  if (plan.hint !== undefined) system.push({ type: 'text', text: plan.hint });
  finishLastTurn(turns, can, thought.on, lost);
  const sampling = planSampling(conversation, can, thought.on, lost);
  const tier = conversation.serviceTier && tiers[conversation.serviceTier];
  if (conversation.serviceTier !== undefined && tier === undefined) lost('service_tier');
  const format = plan.schema && { type: 'json_schema', schema: plan.schema };
  const body: JsonObject = present({
    model: context.model,
    max_tokens: thought.maxTokens,
    system: system.length === 0 ? undefined : system,
    messages: turns.map(({ role, content }): JsonValue => ({ role, content })),
    tools: plan.tools.length === 0 ? undefined : plan.tools.map((tool) => encodeTool(tool, false)),
    tool_choice: toolChoiceOf(plan, conversation.parallelToolCalls),
    thinking: thought.thinking,
    output_config:
      thought.effort === undefined && format === undefined ? undefined : present({ effort: thought.effort, format }),
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    stop_sequences: usableStops(conversation.stop, lost),
    metadata: conversation.endUser === undefined ? undefined : { user_id: conversation.endUser },
    service_tier: tier,
    stream: context.stream ? true : undefined,
  });
  limitCacheMarks(body, lost);
  return body;
}

/** A conversation that was read from this dialect, written as it was. */
function restore(conversation: Conversation, context: EncodeContext): JsonObject {
  const names = toolNames(undefined, forbiddenInNames, toolNameLimit);
  const scope = {
    native: true,
    names,
    maker: 'anthropic',
    inToolLoop: false,
    lost: (path: string): void => context.lost(path),
  };
  const { sampling = {}, reasoning = {}, output, toolChoice, parallelToolCalls } = conversation;
  const carried = carriedFields(conversation, dialectId);
  const format = output?.type === 'schema' ? { type: 'json_schema', schema: output.schema } : undefined;
  const configured = present({
    ...(isObject(carried.output_config) ? carried.output_config : {}),
    effort: nativeEffort(reasoning.effort),
    format,
  });
  const metadata = present({ ...(isObject(carried.metadata) ? carried.metadata : {}), user_id: conversation.endUser });
  return present({
    model: context.model,
    ...restoreMessages(conversation, scope),
    max_tokens: conversation.maxOutputTokens,
    tools: conversation.tools?.map((tool) => encodeTool(tool, true)),
    tool_choice: toolChoice && encodeChoice(toolChoice, parallelToolCalls),
    thinking: thinkingOf(reasoning),
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    stop_sequences: conversation.stop && [...conversation.stop],
    service_tier: conversation.serviceTier && tiers[conversation.serviceTier],
    stream: context.stream ? true : conversation.stream === undefined ? undefined : false,
    ...carried,
    output_config: carried.output_config === undefined && Object.keys(configured).length === 0 ? undefined : configured,
    metadata: carried.metadata === undefined && Object.keys(metadata).length === 0 ? undefined : metadata,
  });
}

function thinkingOf(reasoning: NonNullable<Conversation['reasoning']>): JsonObject | undefined {
  if (reasoning.adaptive) return { type: 'adaptive', ...displayOf(reasoning) };
  if (reasoning.budgetTokens === undefined) return undefined;
  if (reasoning.budgetTokens === 0) return { type: 'disabled', ...displayOf(reasoning) };
  return { type: 'enabled', budget_tokens: reasoning.budgetTokens, ...displayOf(reasoning) };
}

function nativeEffort(effort: NonNullable<Conversation['reasoning']>['effort']): string | undefined {
  return effort === 'none' || effort === 'minimal' ? 'low' : effort;
}

function encodeTool(tool: NonNullable<Conversation['tools']>[number], native: boolean): JsonObject {
  if (tool.type === 'provider') return { ...tool.value };
  if (tool.type === 'custom') return { type: 'custom', name: tool.name, input_schema: { type: 'object' } };
  return {
    name: tool.name,
    input_schema: native && tool.parameters ? tool.parameters : argumentSchema(tool),
    ...present({
      type: spellingOf(tool, dialectId, '$type'),
      description: tool.description,
      strict: tool.strict === false && !native ? undefined : tool.strict,
    }),
    ...cacheControl(tool, native),
    ...carriedFields(tool, dialectId),
  };
}

function toolChoiceOf(plan: ToolPlan, parallel: boolean | undefined): JsonObject | undefined {
  if (plan.tools.length === 0) return undefined;
  const single = plan.single || parallel === false;
  if (plan.choice === undefined && !single) return undefined;
  return encodeChoice(plan.choice ?? { type: 'auto' }, single ? false : undefined);
}

function encodeChoice(choice: ToolChoice, parallel: boolean | undefined): JsonObject {
  const single = parallel === undefined || choice.type === 'none' ? {} : { disable_parallel_tool_use: !parallel };
  switch (choice.type) {
    case 'required':
      return { type: 'any', ...single };
    case 'tool':
      return { type: 'tool', name: choice.name, ...single };
    case 'provider':
      return isObject(choice.value) ? choice.value : { type: 'auto' };
    case 'allowed':
      return { type: choice.mode === 'required' ? 'any' : 'auto', ...single };
    default:
      return { type: choice.type, ...single };
  }
}

/** A trailing assistant turn is continued where the model does that (without its blank end); elsewhere a user turn asks. */
function finishLastTurn(turns: Turn[], can: ClaudeCapabilities, thinking: boolean, lost: (path: string) => void): void {
  const last = turns.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || block?.type !== 'text') return;
  if (can.prefill && !thinking) {
    last.content[last.content.length - 1] = { ...block, text: String(block.text).trimEnd() };
    return;
  }
  lost(`messages[${last.index}]`);
  turns.push({ role: 'user', content: [{ type: 'text', text: 'Continue.' }], index: last.index });
}

/** Keeps the last four breakpoints, in prompt order: each covers everything before it. */
function limitCacheMarks(body: JsonObject, lost: (path: string) => void): void {
  const marked: JsonObject[] = [];
  const collect = (list: JsonValue | undefined): void => {
    if (!Array.isArray(list)) return;
    for (const entry of list) {
      if (!isObject(entry)) continue;
      if (entry.role !== undefined || entry.type === 'tool_result') collect(entry.content);
      if (entry.cache_control !== undefined) marked.push(entry);
    }
  };
  collect(body.tools);
  collect(body.system);
  collect(body.messages);
  if (marked.length <= maxCacheMarks) return;
  lost('cache_control');
  for (const entry of marked.slice(0, -maxCacheMarks)) delete entry.cache_control;
}
