import type { Conversation, OutputFormat, Reasoning } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { EncodeContext } from '../dialect.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { continuedTurn } from '../openai/continued-turn.ts';
import { endUserOf } from '../openai/end-user.ts';
import { effortOf } from '../openai/reasoning-effort.ts';
import { dropRefused } from '../openai/refused-fields.ts';
import { serviceTier, sharedFields, sharedWithResponses } from '../openai/shared-fields.ts';
import { heldOutput } from '../openai/strict-schema.ts';
import { withWireNames } from '../openai/tool-naming.ts';
import { present } from '../present.ts';
import { offerOnlyAllowed } from './allowed-tools.ts';
import { type ChatCapabilities, chatCapabilities } from './capabilities.ts';
import type { ReasoningPolicy } from './encode-assistant.ts';
import { encodeMessages } from './encode-messages.ts';
import { withFunctionsOnly } from './free-text-tools.ts';
import { encodeTool, encodeToolChoice } from './tools.ts';

const dialect = 'openai.chat';

/** Writes a chat request for the target. What the target cannot carry is reported through `context.lost`. */
export function encodeRequest(request: Conversation, context: EncodeContext): JsonObject {
  const lost = (path: string): void => context.lost(path);
  const can = chatCapabilities(context.capabilities);
  const named = withWireNames(request, dialect);
  const conversation = can.customTools === false ? withFunctionsOnly(named, lost) : named;
  const capabilities = withSharedCache(can, conversation);
  const carry = carried(conversation, dialect);
  const own = carry !== undefined;
  reportForeign(conversation, dialect, '', lost, sharedWithResponses);
  reportUnsayable(conversation, lost);
  const policy: ReasoningPolicy = {
    // As a part of the content it is written by fitRequest, which the body goes through in any case.
    field: capabilities.reasoningField === 'thinking' ? 'reasoning_content' : capabilities.reasoningField,
    accepts: (maker) => maker !== undefined && capabilities.proofsOf?.includes(maker) === true,
  };
  const body = {
    ...sharedFields(conversation, 'openai.responses'),
    ...wireFields(carry),
    model: context.model,
    messages: encodeMessages(conversation, policy, { capabilities, own, lost }),
    ...encodeToolFields(conversation, carry, own || capabilities.cache === 'cache_control', lost),
    ...encodeSampling(conversation, capabilities, own, lost),
    ...encodeSettings(conversation, capabilities, carry, lost),
    ...encodeStream(conversation, carry, context, capabilities),
    ...encodeContinuation(conversation, capabilities, lost),
  };
  return adapt(present(body), capabilities, lost);
}

/** Cache breakpoints of the other OpenAI format are the same thing here. */
function withSharedCache(capabilities: ChatCapabilities, conversation: Conversation): ChatCapabilities {
  const shared = capabilities.cache === undefined && carried(conversation, 'openai.responses') !== undefined;
  return shared ? { ...capabilities, cache: 'prompt_cache_breakpoint' } : capabilities;
}

/** What chat has no field for. */
function reportUnsayable(conversation: Conversation, lost: (path: string) => void): void {
  if (conversation.previousId !== undefined) lost('previous_response_id');
  const show = conversation.reasoning?.show;
  if (show !== undefined && show !== 'none') lost('reasoning.summary');
}

function encodeToolFields(
  conversation: Conversation,
  carry: JsonObject | undefined,
  mayCache: boolean,
  lost: (path: string) => void,
): JsonObject {
  const encoded = (conversation.tools ?? []).map((tool, i) => ({
    tool,
    value: encodeTool(tool, `tools[${i}]`, mayCache, lost),
  }));
  const written = encoded.filter(({ value }) => value !== undefined);
  const isOld = ({ tool }: (typeof encoded)[number]): boolean => carried(tool, dialect)?.['$in'] === 'functions';
  const functions = written.filter(isOld).map(({ value }) => value!);
  const tools = written.filter((one) => !isOld(one)).map(({ value }) => value!);
  const result: JsonObject = {};
  if (tools.length > 0) result['tools'] = tools;
  if (functions.length > 0) result['functions'] = functions;
  // OpenAI refuses these two without tools.
  if (written.length === 0 && carry === undefined) return result;
  Object.assign(result, encodeChoice(conversation, carry?.['$toolChoice'], lost));
  if (conversation.parallelToolCalls !== undefined) result['parallel_tool_calls'] = conversation.parallelToolCalls;
  return result;
}

function encodeChoice(
  { toolChoice: choice }: Conversation,
  spelling: JsonValue | undefined,
  lost: (path: string) => void,
): JsonObject {
  if (choice === undefined) return {};
  if (spelling === 'function_call')
    return { function_call: choice.type === 'tool' ? { name: choice.name } : choice.type };
  if (spelling === 'any' && choice.type === 'required') return { tool_choice: 'any' };
  const value = encodeToolChoice(choice);
  if (value === undefined) lost('tool_choice');
  return value === undefined ? {} : { tool_choice: value };
}

function encodeSampling(
  { sampling = {} }: Conversation,
  capabilities: ChatCapabilities,
  own: boolean,
  lost: (path: string) => void,
): JsonObject {
  const topK = own || capabilities.topK === true ? sampling.topK : undefined;
  if (sampling.topK !== undefined && topK === undefined) lost('top_k');
  return present({
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: topK,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    seed: sampling.seed,
    logit_bias: sampling.logitBias as JsonObject | undefined,
  });
}

const maxStopSequences = 4;

function encodeSettings(
  conversation: Conversation,
  capabilities: ChatCapabilities,
  carry: JsonObject | undefined,
  lost: (path: string) => void,
): JsonObject {
  const { logprobs, endUser, modalities } = conversation;
  const isTooMany = carry === undefined && (conversation.stop?.length ?? 0) > maxStopSequences;
  if (isTooMany) lost('stop');
  const stop = isTooMany ? conversation.stop?.slice(0, maxStopSequences) : conversation.stop;
  const [onlyStop] = stop ?? [];
  return present({
    response_format: encodeOutput(heldOutput(conversation, capabilities), carry),
    [carry?.['$limit'] === 'max_tokens' ? 'max_tokens' : 'max_completion_tokens']: conversation.maxOutputTokens,
    stop: stop?.length === 1 && carry?.['$stop'] === 'string' ? onlyStop : (stop as string[] | undefined),
    ...encodeReasoning(conversation.reasoning, capabilities, carry?.['$reasoning']),
    n: conversation.choices,
    logprobs: logprobs === undefined ? undefined : true,
    top_logprobs: logprobs?.top,
    modalities: modalities as string[] | undefined,
    [carry?.['$endUser'] === 'safety_identifier' ? 'safety_identifier' : 'user']: endUserOf(endUser),
    metadata: conversation.metadata as JsonObject | undefined,
    service_tier: serviceTier(conversation.serviceTier),
    verbosity: conversation.verbosity,
    store: conversation.store,
  });
}

function encodeOutput(output: OutputFormat | undefined, carry: JsonObject | undefined): JsonObject | undefined {
  const rest = isObject(carry?.['$output']) ? carry['$output'] : {};
  if (output === undefined) return Object.keys(rest).length > 0 ? rest : undefined;
  if (output.type === 'text') return { type: 'text', ...rest };
  if (output.type === 'json') return { type: 'json_object', ...rest };
  const inner = isObject(carry?.['$schema']) ? carry['$schema'] : {};
  const { name = carry === undefined ? 'answer' : undefined, description, schema, strict } = output;
  return { type: 'json_schema', json_schema: { ...inner, ...present({ name, description, schema, strict }) }, ...rest };
}

function encodeReasoning(
  reasoning: Reasoning | undefined,
  { efforts }: ChatCapabilities,
  spelling: JsonValue | undefined,
): JsonObject {
  if (isObject(spelling)) {
    return {
      reasoning: { ...spelling, ...present({ effort: reasoning?.effort, max_tokens: reasoning?.budgetTokens }) },
    };
  }
  const effort = effortOf(reasoning, efforts);
  return effort === undefined ? {} : { reasoning_effort: effort };
}

function encodeStream(
  conversation: Conversation,
  carry: JsonObject | undefined,
  { stream }: EncodeContext,
  capabilities: ChatCapabilities,
): JsonObject {
  if (!stream) return conversation.stream === false ? { stream: false } : {};
  const rest = isObject(carry?.['$streamOptions']) ? carry['$streamOptions'] : undefined;
  // The gateway accounts for every stream, so a translated one asks for usage whether or not the client did.
  const usage = carry === undefined ? true : conversation.streamUsage;
  if (capabilities.streamOptions === false || (usage === undefined && rest === undefined)) return { stream: true };
  return { stream: true, stream_options: { ...rest, ...present({ include_usage: usage }) } };
}

/** vLLM refuses the one field without the other, which is on by default; SGLang has the first alone. */
function encodeContinuation(
  conversation: Conversation,
  { continuesAssistant }: ChatCapabilities,
  lost: (path: string) => void,
): JsonObject {
  const path = continuedTurn(conversation);
  if (path === undefined || continuesAssistant === true) return {};
  if (continuesAssistant !== undefined) return { continue_final_message: true, add_generation_prompt: false };
  lost(path);
  return {};
}

/** Brings OpenAI's words to the target's. */
function adapt(body: JsonObject, capabilities: ChatCapabilities, lost: (path: string) => void): JsonObject {
  if (capabilities.allowedTools === false) Object.assign(body, offerOnlyAllowed(body['tools'], body['tool_choice']));
  dropRefused(body, capabilities.refuses, lost);
  for (const [field, words] of Object.entries(capabilities.words ?? {})) {
    const value = body[field];
    if (typeof value === 'string' && words[value] !== undefined) body[field] = words[value];
  }
  for (const [field, name] of Object.entries(capabilities.rename ?? {})) {
    const value = body[field];
    if (value === undefined) continue;
    delete body[field];
    body[name] = value;
  }
  return body;
}
