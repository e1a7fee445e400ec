import type { Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { present } from '../present.ts';
import { refuseEmpty } from '../refuse-empty.ts';
import { toolNames } from '../tool-names.ts';
import { type ClaudeCapabilities, capabilitiesOf } from './capabilities.ts';
import { dialectId } from './dialect-id.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { type Turn, translateMessages } from './encode-messages.ts';
import { calledTools, encodeChoice, encodeTool, plannedChoice } from './encode-tools.ts';
import { userIdOf } from './end-user.ts';
import { reportUnsupported, usableStops } from './losses.ts';
import { restoreRequest } from './restore-request.ts';
import { planSampling } from './sampling.ts';
import { planThinking } from './thinking.ts';
import { planTools, type ToolTarget } from './tool-plan.ts';
import { searchOptions, withWebSearch } from './web-search.ts';

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
    : restoreRequest(conversation, context);
}

/** A conversation that came from another format, made acceptable to the model. */
function translate(given: Conversation, context: EncodeContext): JsonObject {
  const lost = (path: string): void => context.lost(path);
  const conversation = withWebSearch(given, lost);
  const can = capabilitiesOf(context.model, context.capabilities);
  reportUnsupported(conversation, lost);
  loseForeignCarry(conversation, dialectId, '', lost, [searchOptions]);
  if (conversation.metadata !== undefined) lost('metadata');
  const names = toolNames(conversation, forbiddenInNames, toolNameLimit);
  const { system, turns } = translateMessages(
    conversation,
    { names, maker: can.maker, lost },
    can.midConversationSystem,
  );
  refuseEmpty(turns);
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
  const offered = plan.tools.map((tool) => encodeTool(tool, false));
  const called = offered.length === 0 ? calledTools(turns) : [];
  const tools = [...offered, ...called];
  const format = plan.schema && { type: 'json_schema', schema: plan.schema };
  const body: JsonObject = present({
    model: context.model,
    max_tokens: thought.maxTokens,
    system: system.length === 0 ? undefined : system,
    messages: turns.map(({ role, content }): JsonValue => ({ role, content })),
    tools: tools.length === 0 ? undefined : tools,
    tool_choice:
      called.length > 0
        ? encodeChoice({ type: 'none' }, undefined)
        : plannedChoice(plan, conversation.parallelToolCalls),
    thinking: thought.thinking,
    output_config:
      thought.effort === undefined && format === undefined ? undefined : present({ effort: thought.effort, format }),
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    stop_sequences: usableStops(conversation.stop, lost),
    metadata: conversation.endUser === undefined ? undefined : { user_id: userIdOf(conversation.endUser) },
    service_tier: tier,
    stream: context.stream ? true : undefined,
  });
  limitCacheMarks(body, lost);
  return body;
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
