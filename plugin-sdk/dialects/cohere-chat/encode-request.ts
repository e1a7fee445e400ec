import type { Conversation, FunctionTool, Reasoning, Tool, ToolChoice } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { answerTool, answerToolDescription } from '../answer-tool.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { freeTextParameters } from '../free-text.ts';
import { jsonHint } from '../json-hint.ts';
import { withMadeImages } from '../made-images.ts';
import { present } from '../present.ts';
import { refuseEmpty } from '../refuse-empty.ts';
import { type CohereCapabilities, capabilitiesOf } from './capabilities.ts';
import { encodeMessages } from './encode-messages.ts';
import { cohereToolNames, dialectId, isNative, kept } from './notes.ts';

type Lost = (path: string) => void;

/** Writes a v2 chat request. */
export function encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  const capabilities = capabilitiesOf(context.model, context.capabilities);
  const native = isNative(conversation);
  const names = cohereToolNames(conversation);
  const { lost } = context;
  loseForeignCarry(conversation, dialectId, '', lost);
  const { fields } = kept(conversation);
  const messageContext = { audience: 'model', names, images: capabilities.images, lost } as const;
  const messages = encodeMessages(
    native ? conversation.messages : withMadeImages(conversation.messages, messageContext.images, messageContext.lost),
    messageContext,
  );
  if (!native) refuseEmpty(messages);
  const { hint, ...toolsAndOutput } = encodeToolsAndOutput(conversation, native, capabilities, names.toWire, lost);
  if (hint !== undefined) addSystemText(messages, hint);
  const body: JsonObject = {
    ...fields,
    model: context.model,
    messages,
    ...present({ max_tokens: conversation.maxOutputTokens }),
    ...encodeSampling(conversation, native, lost),
    ...encodeStop(conversation, native, capabilities, lost),
    ...encodeThinking(conversation.reasoning, native, capabilities, lost),
    ...toolsAndOutput,
  };
  if (conversation.stream !== undefined || context.stream) body['stream'] = context.stream;
  if (conversation.logprobs !== undefined) {
    body['logprobs'] = true;
    // Those of several tokens in one item cannot be told apart (`decodeLogprobs`).
    if (!native) lost('logprobs');
    if (conversation.logprobs.top) lost('top_logprobs');
  }
  loseTheRest(conversation, lost);
  return body;
}

/** Throws REQ_INVALID for several choices: Cohere gives one. */
function loseTheRest(conversation: Conversation, lost: Lost): void {
  if ((conversation.choices ?? 1) > 1) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: 'n must be 1 for this provider.' },
      { param: 'n', retry: 'next-target' },
    );
  }
  if (conversation.parallelToolCalls === false) lost('parallel_tool_calls');
  if (conversation.modalities?.some((modality) => modality !== 'text')) lost('modalities');
  if (conversation.endUser !== undefined) lost('user');
  if (conversation.metadata !== undefined) lost('metadata');
  if (conversation.verbosity !== undefined) lost('verbosity');
  if (conversation.store === true) lost('store');
  if (conversation.previousId !== undefined) lost('previous_response_id');
  const tier = conversation.serviceTier;
  if (tier !== undefined && tier !== 'auto' && tier !== 'default' && tier !== 'standard') lost('service_tier');
}

/** Penalties go from 0 to 1 and `p` from 0.01 to 0.99; what lies outside is brought to the nearest. */
function encodeSampling({ sampling = {} }: Conversation, native: boolean, lost: Lost): JsonObject {
  const { temperature, topP, topK, frequencyPenalty, presencePenalty, seed, logitBias } = sampling;
  if (logitBias !== undefined) lost('logit_bias');
  const penalty = (value: number | undefined, path: string) => {
    if (native || value === undefined || (value >= 0 && value <= 1)) return value;
    lost(path);
    return Math.min(Math.max(value, 0), 1);
  };
  return present({
    temperature,
    p: native || topP === undefined ? topP : Math.min(Math.max(topP, 0.01), 0.99),
    k: topK,
    frequency_penalty: penalty(frequencyPenalty, 'frequency_penalty'),
    presence_penalty: penalty(presencePenalty, 'presence_penalty'),
    seed,
  });
}

function encodeStop(
  { stop }: Conversation,
  native: boolean,
  { maxStopSequences }: CohereCapabilities,
  lost: Lost,
): JsonObject {
  if (stop === undefined) return {};
  if (native) return { stop_sequences: [...stop] };
  const useful = stop.filter((sequence) => sequence !== '');
  for (let i = maxStopSequences; i < useful.length; i++) lost(`stop[${i}]`);
  return useful.length === 0 ? {} : { stop_sequences: useful.slice(0, maxStopSequences) };
}

/** Tokens for an effort; undefined lets the model think as long as it wants. */
const budgets: Readonly<Record<NonNullable<Reasoning['effort']>, number | undefined>> = {
  none: 0,
  minimal: 512,
  low: 2_048,
  medium: 8_192,
  high: undefined,
  xhigh: undefined,
  max: undefined,
};

function encodeThinking(
  reasoning: Reasoning | undefined,
  native: boolean,
  { thinking }: CohereCapabilities,
  lost: Lost,
): JsonObject {
  if (reasoning === undefined) return {};
  const { effort, adaptive, budgetTokens, show } = reasoning;
  if (!thinking && show !== undefined && show !== 'none') lost('reasoning.summary');
  const wanted = effort !== undefined || adaptive === true || budgetTokens !== undefined;
  if (!wanted) return {};
  const off = effort === 'none' || (budgetTokens === 0 && !native);
  if (!native && !thinking) {
    if (!off) lost('reasoning_effort');
    return {};
  }
  if (off) return { thinking: { type: 'disabled' } };
  const budget = budgetTokens ?? (effort === undefined ? undefined : budgets[effort]);
  return { thinking: present({ type: 'enabled', token_budget: budget }) };
}

/** Behind the system text that the client begins with. */
function addSystemText(messages: JsonObject[], content: string): void {
  const first = messages.findIndex(({ role }) => role !== 'system');
  messages.splice(first === -1 ? messages.length : first, 0, { role: 'system', content });
}

/**
 * Tools, their choice and the output format, which Cohere does not take beside tools: there a tool stands for a schema,
 * and words (`hint`) for JSON of any kind. "The parameter is not supported when used in combinations with the `documents`
 * or `tools` parameters" (`ResponseFormatV2` in cohere-ai's types).
 */
function encodeToolsAndOutput(
  conversation: Conversation,
  native: boolean,
  { structuredOutputWithTools }: CohereCapabilities,
  toWire: (name: string) => string,
  lost: Lost,
): JsonObject & { readonly hint?: string } {
  const { tools = [], toolChoice, output } = conversation;
  const offered = tools.flatMap((tool, index) => {
    const written = encodeTool(tool, `tools[${index}]`, native, toWire, lost);
    return written === undefined || !isOffered(tool, toolChoice) ? [] : [written];
  });
  const isJson = output?.type === 'schema' || output?.type === 'json';
  const clash = !native && isJson && offered.length > 0 && !structuredOutputWithTools;
  // Without history to explain, tools that may not be called need not be shown; the format then fits.
  if (clash && toolChoice?.type === 'none') return encodeOutput(conversation, native);
  if (clash && output.type === 'schema') {
    const declared = { name: answerTool, description: answerToolDescription, parameters: output.schema };
    return { tools: [...offered, { type: 'function', function: declared }], tool_choice: 'REQUIRED' };
  }
  const choice = choiceWord(toolChoice);
  return {
    ...(clash ? { hint: jsonHint } : encodeOutput(conversation, native)),
    ...(offered.length > 0 || (native && conversation.tools !== undefined) ? { tools: offered } : {}),
    ...(choice !== undefined && (offered.length > 0 || native) ? { tool_choice: choice } : {}),
    ...strictness(tools, native, lost),
  };
}

function encodeTool(
  tool: Tool,
  path: string,
  native: boolean,
  toWire: (name: string) => string,
  lost: Lost,
): JsonObject | undefined {
  loseForeignCarry(tool, dialectId, path, lost);
  if (tool.type === 'provider') {
    if (tool.dialect === dialectId) return tool.value;
    lost(path);
    return undefined;
  }
  const { fields } = kept(tool);
  const inner = isObject(fields['function']) ? fields['function'] : {};
  if ((tool as FunctionTool).cache !== undefined) lost(`${path}.cache`);
  if (tool.type === 'custom' && tool.format !== undefined) lost(`${path}.custom.format`);
  const nothing = native ? undefined : { type: 'object', properties: {} };
  const parameters = tool.type === 'custom' ? freeTextParameters() : (tool.parameters ?? nothing);
  const declared = { ...inner, name: toWire(tool.name), ...present({ description: tool.description, parameters }) };
  return { ...fields, type: 'function', function: declared };
}

/** A named tool cannot be demanded: the others are left out, so that it is the only one to call. */
function isOffered(tool: Tool, choice: ToolChoice | undefined): boolean {
  if (tool.type === 'provider') return true;
  if (choice?.type === 'tool') return tool.name === choice.name;
  return choice?.type !== 'allowed' || choice.names.includes(tool.name);
}

function choiceWord(choice: ToolChoice | undefined): 'REQUIRED' | 'NONE' | undefined {
  if (choice?.type === 'none') return 'NONE';
  if (choice?.type === 'required' || choice?.type === 'tool') return 'REQUIRED';
  return choice?.type === 'allowed' && choice.mode === 'required' ? 'REQUIRED' : undefined;
}

/** `strict_tools` is for all tools or none. */
function strictness(tools: readonly Tool[], native: boolean, lost: Lost): JsonObject {
  if (native) return {};
  const isStrict = (tool: Tool) => tool.type === 'function' && tool.strict === true;
  if (tools.length > 0 && tools.every(isStrict)) return { strict_tools: true };
  for (const [index, tool] of tools.entries()) if (isStrict(tool)) lost(`tools[${index}].function.strict`);
  return {};
}

function encodeOutput(conversation: Conversation, native: boolean): JsonObject {
  const { output } = conversation;
  if (output === undefined) return {};
  if (output.type === 'text') return native ? { response_format: { type: 'text' } } : {};
  if (output.type === 'json') return { response_format: { type: 'json_object' } };
  const key = kept(conversation).notes.schemaKey ?? 'json_schema';
  return { response_format: { type: 'json_object', [key]: output.schema } };
}
