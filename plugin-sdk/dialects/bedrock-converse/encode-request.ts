import type { Conversation, Message } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { arrange, type Turn } from '../anthropic-messages/encode-messages.ts';
import { reportUnsupported, usableStops } from '../anthropic-messages/losses.ts';
import { planSampling } from '../anthropic-messages/sampling.ts';
import { planThinking, type ThinkingPlan, toolLoopStart } from '../anthropic-messages/thinking.ts';
import { planTools, type ToolPlan, type ToolTarget } from '../anthropic-messages/tool-plan.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { withMadeImages } from '../made-images.ts';
import { present } from '../present.ts';
import { refuseEmpty } from '../refuse-empty.ts';
import { toolNames } from '../tool-names.ts';
import { type ConverseCapabilities, capabilitiesOf } from './capabilities.ts';
import { dialectId } from './decode-block.ts';
import { type ConverseScope, encodeBlocks, forbiddenInNames, lacksText, toolNameLimit } from './encode-block.ts';
import { encodeChoice, encodeTool } from './encode-tools.ts';
import { restoreRequest } from './restore-request.ts';

const maxCacheMarks = 4;
const tiers: Readonly<Record<string, string>> = {
  default: 'default',
  standard: 'default',
  flex: 'flex',
  priority: 'priority',
};

/** Writes a Converse body; the model goes into the URL. */
export function encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  return conversation.carry?.[dialectId] === undefined
    ? translate(conversation, context)
    : restoreRequest(conversation, context);
}

function translate(conversation: Conversation, context: EncodeContext): JsonObject {
  const lost = (path: string): void => context.lost(path);
  const can = capabilitiesOf(context.model, context.capabilities);
  reportUnsupported(conversation, lost);
  loseForeignCarry(conversation, dialectId, '', lost);
  if (conversation.endUser !== undefined) lost('user');
  const names = toolNames(conversation, forbiddenInNames, toolNameLimit);
  const thought =
    can.extraFields === 'claude'
      ? planThinking(conversation, can, context.stream, lost)
      : withoutClaude(conversation, lost);
  const mayForce = !thought.on;
  const force = { any: can.force.any && mayForce, tool: can.force.tool && mayForce };
  const target: ToolTarget = { dialect: dialectId, names, nativeSchema: can.nativeSchema, force };
  const plan = planTools(conversation, target, lost);
  const { system, turns } = encodeMessages(conversation, can, { names, lost });
  refuseEmpty(turns);
  if (plan.hint !== undefined) system.push({ text: plan.hint });
  // There is no choice `none`: tools that the history needs stay, with a word; others go. It needs some even where the
  // client offers none any more: "The toolConfig field must be defined when using toolUse and toolResult content blocks".
  const idle = plan.choice?.type === 'none' || plan.tools.length === 0;
  const called = new Set(turns.flatMap(({ content }) => content.flatMap(toolNameIn)));
  if (idle && called.size > 0) system.push({ text: 'Answer without calling any tool.' });
  finishTurns(turns, can, thought.on, lost);
  const sampling = planSampling(conversation, can, thought.on, lost);
  const tier = conversation.serviceTier && tiers[conversation.serviceTier];
  if (conversation.serviceTier !== undefined && conversation.serviceTier !== 'auto' && tier === undefined)
    lost('service_tier');
  const offered = idle && called.size === 0 ? [] : plan.tools.flatMap((tool) => encodeTool(tool, false));
  const tools = offered.length === 0 ? [...called].map(bareTool) : offered;
  if (conversation.parallelToolCalls === false && tools.length > 0) lost('parallel_tool_calls');
  const body: JsonObject = present({
    messages: turns.map(({ role, content }): JsonValue => ({ role, content })),
    system: system.length === 0 ? undefined : system,
    inferenceConfig: orNothing({
      maxTokens: can.statesMaxTokens ? thought.maxTokens : conversation.maxOutputTokens,
      temperature: sampling.temperature,
      topP: sampling.topP,
      stopSequences: usableStops(conversation.stop, lost),
    }),
    toolConfig:
      tools.length === 0 ? undefined : present({ tools, toolChoice: plan.choice && encodeChoice(plan.choice) }),
    outputConfig: orNothing({ effort: thought.effort, textFormat: plan.schema && textFormat(plan, conversation) }),
    additionalModelRequestFields: orNothing(extraFields(can, thought, sampling.topK, lost)),
    requestMetadata: orNothing(acceptedMetadata(conversation.metadata ?? {}, lost)),
    serviceTier: tier === undefined ? undefined : { type: tier },
  });
  limitCacheMarks(body, lost);
  return body;
}

function toolNameIn({ toolUse }: JsonObject): string[] {
  return isObject(toolUse) ? [String(toolUse['name'])] : [];
}

/** A tool of the history that is not offered any more. */
function bareTool(name: string): JsonObject {
  return { toolSpec: { name, description: name, inputSchema: { json: { type: 'object' } } } };
}

const maxMetadata = 16;
// The model says `\s`, which in some languages is the white space of ASCII and in others that of all Unicode; what only some
// would take is not worth a refused request.
const metadataKey = /^[a-zA-Z0-9 \t\n\v\f\r:_@$#=/+,.-]{1,256}$/;
const metadataValue = /^[a-zA-Z0-9 \t\n\v\f\r:_@$#=/+,.-]{0,256}$/;

/**
 * `requestMetadata` as the service model bounds it (`RequestMetadata` in bedrock-runtime.service-2.json); OpenAI's values
 * may be longer and hold any character.
 */
function acceptedMetadata(metadata: Readonly<Record<string, string>>, lost: (path: string) => void): JsonObject {
  const accepted: JsonObject = {};
  let count = 0;
  for (const [key, value] of Object.entries(metadata)) {
    if (count < maxMetadata && metadataKey.test(key) && metadataValue.test(value)) {
      accepted[key] = value;
      count += 1;
    } else lost(`metadata.${key}`);
  }
  return accepted;
}

/** Reasoning of other makers has no common switch in Converse. */
function withoutClaude(conversation: Conversation, lost: (path: string) => void): ThinkingPlan {
  const { effort, budgetTokens, adaptive, show } = conversation.reasoning ?? {};
  if ((effort !== undefined && effort !== 'none') || budgetTokens || adaptive) lost('reasoning_effort');
  if (show !== undefined && show !== 'none') lost('reasoning.summary');
  return { maxTokens: conversation.maxOutputTokens ?? 0, on: false };
}

function extraFields(
  can: ConverseCapabilities,
  thought: ThinkingPlan,
  topK: number | undefined,
  lost: (path: string) => void,
): JsonObject {
  if (can.extraFields === 'claude') {
    const beta = can.anthropicBeta.length === 0 ? undefined : [...can.anthropicBeta];
    return present({ thinking: thought.thinking, top_k: topK, anthropic_beta: beta });
  }
  if (topK === undefined) return {};
  if (can.extraFields === 'nova') return { inferenceConfig: { topK } };
  lost('top_k');
  return {};
}

function encodeMessages(
  conversation: Conversation,
  can: ConverseCapabilities,
  { names, lost }: Pick<ConverseScope, 'names' | 'lost'>,
): { system: JsonObject[]; turns: Turn[] } {
  const messages = withMadeImages(conversation.messages, true, lost);
  const loopStart = toolLoopStart(messages);
  const shared = {
    native: false,
    names,
    maker: can.maker,
    shortCallIds: can.shortCallIds,
    documentNames: new Set<string>(),
    lost,
  };
  const encode = (message: Message, clientIndex: number, index: number): JsonObject[] => {
    loseForeignCarry(message, dialectId, `messages[${clientIndex}]`, lost);
    if (message.name !== undefined) lost(`messages[${clientIndex}].name`);
    return encodeBlocks(message, clientIndex, { ...shared, inToolLoop: index >= loopStart });
  };
  return arrange(messages, encode, false);
}

/** Gives documents their words, the first turn to the user where the model wants that, and no turn to be continued where it cannot. */
function finishTurns(turns: Turn[], can: ConverseCapabilities, thinking: boolean, lost: (path: string) => void): void {
  for (const turn of turns) if (lacksText(turn.content)) turn.content.push({ text: 'See the document.' });
  if (can.userFirst && turns[0]?.role === 'assistant')
    turns.unshift({ role: 'user', content: [{ text: '.' }], index: 0 });
  const last = turns.at(-1);
  const block = last?.content.at(-1);
  if (last?.role !== 'assistant' || block?.text === undefined) return;
  if (can.extraFields === 'claude' && can.prefill && !thinking) {
    last.content[last.content.length - 1] = { text: String(block.text).trimEnd() };
    return;
  }
  lost(`messages[${last.index}]`);
  turns.push({ role: 'user', content: [{ text: 'Continue.' }], index: last.index });
}

function textFormat(plan: ToolPlan, { output }: Conversation): JsonObject {
  const { name, description } = output?.type === 'schema' ? output : {};
  const definition = present({ name: name ?? 'answer', description, schema: JSON.stringify(plan.schema) });
  return { type: 'json_schema', structure: { jsonSchema: definition } };
}

function orNothing(fields: { readonly [key: string]: JsonValue | undefined }): JsonObject | undefined {
  const object: JsonObject = present(fields);
  return Object.keys(object).length === 0 ? undefined : object;
}

/** Keeps the last four cache points, in prompt order: each covers everything before it. */
function limitCacheMarks(body: JsonObject, lost: (path: string) => void): void {
  const messages = body.messages as { content: JsonObject[] }[];
  const lists = [
    ((body.toolConfig as JsonObject | undefined)?.tools ?? []) as JsonObject[],
    (body.system ?? []) as JsonObject[],
    ...messages.map((message) => message.content),
  ];
  let surplus = lists.flat().filter((entry) => entry.cachePoint !== undefined).length - maxCacheMarks;
  if (surplus > 0) lost('cache_control');
  for (const list of lists) {
    for (let at = 0; at < list.length && surplus > 0; at++) {
      if (list[at]!.cachePoint === undefined) continue;
      list.splice(at--, 1);
      surplus -= 1;
    }
  }
}
