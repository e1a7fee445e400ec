import type { Conversation, Message } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { EncodeContext } from '../dialect.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { clientPaths, type MessagePaths } from '../openai/client-paths.ts';
import { continuedTurn } from '../openai/continued-turn.ts';
import { endUserOf } from '../openai/end-user.ts';
import { dropRefused } from '../openai/refused-fields.ts';
import { serviceTier, sharedFields, sharedWithResponses } from '../openai/shared-fields.ts';
import { heldOutput } from '../openai/strict-schema.ts';
import { withWireNames } from '../openai/tool-naming.ts';
import { present } from '../present.ts';
import { type ResponsesCapabilities, responsesCapabilities } from './capabilities.ts';
import { logprobsWord } from './decode-request.ts';
import { encodeItems, type ItemContext } from './encode-item.ts';
import { encodeReasoningSettings, encodeTextSettings } from './settings.ts';
import { encodeTool, encodeToolChoice } from './tools.ts';

const dialect = 'openai.responses';

/** Writes a responses request for the target. What the target cannot carry is reported through `context.lost`. */
export function encodeRequest(request: Conversation, context: EncodeContext): JsonObject {
  const conversation = withWireNames(request, dialect);
  const capabilities = responsesCapabilities(context.capabilities);
  const carry = carried(conversation, dialect);
  const lost = (path: string): void => context.lost(path);
  reportForeign(conversation, dialect, '', lost, sharedWithResponses);
  reportUnsayable(conversation, lost);
  const continued = continuedTurn(conversation);
  if (continued !== undefined) lost(continued);
  const stream = context.stream ? true : conversation.stream === false ? false : undefined;
  const body = present({
    model: conversation.model === '' && context.model === '' ? undefined : context.model,
    ...encodeMessages(conversation, carry, capabilities, lost),
    ...encodeTools(conversation, carry !== undefined, lost),
    temperature: conversation.sampling?.temperature,
    top_p: conversation.sampling?.topP,
    top_logprobs: conversation.logprobs?.top,
    max_output_tokens: conversation.maxOutputTokens,
    text: encodeTextSettings(
      { ...conversation, ...present({ output: heldOutput(conversation, capabilities) }) },
      carry,
    ),
    reasoning: encodeReasoningSettings(conversation.reasoning, capabilities.efforts, carry),
    [carry?.['$endUser'] === 'safety_identifier' ? 'safety_identifier' : 'user']: endUserOf(conversation.endUser),
    metadata: conversation.metadata as JsonObject | undefined,
    service_tier: serviceTier(conversation.serviceTier),
    // What another format sent was not meant to be stored at OpenAI.
    store: conversation.store ?? (carry === undefined ? false : undefined),
    previous_response_id: conversation.previousId,
    stream,
  });
  const result: JsonObject = {
    ...sharedFields(conversation, 'openai.chat'),
    ...encodeInclude(conversation, carry, capabilities),
    ...wireFields(carry),
    ...body,
  };
  dropRefused(result, capabilities.refuses, lost);
  return result;
}

/** What responses has no field for, by the names that chat clients know. */
function reportUnsayable(
  { sampling = {}, stop, choices, modalities }: Conversation,
  lost: (path: string) => void,
): void {
  const fields = {
    top_k: sampling.topK,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    seed: sampling.seed,
    logit_bias: sampling.logitBias,
    stop,
    n: choices === 1 ? undefined : choices,
    modalities: modalities?.some((word) => word !== 'text') ? modalities : undefined,
  };
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) lost(field);
}

function encodeInclude(
  conversation: Conversation,
  carry: JsonObject | undefined,
  capabilities: ResponsesCapabilities,
): JsonObject {
  if (carry !== undefined) return Array.isArray(carry['$include']) ? { include: carry['$include'] } : {};
  const include: string[] = [];
  if (conversation.logprobs !== undefined) include.push(logprobsWord);
  // Only a model that reasons takes this; a conversation that asks for reasoning is for one.
  const reasons = conversation.reasoning !== undefined && conversation.reasoning.effort !== 'none';
  if (capabilities.reasoning ?? reasons) include.push('reasoning.encrypted_content');
  return include.length === 0 ? {} : { include };
}

function encodeMessages(
  conversation: Conversation,
  carry: JsonObject | undefined,
  capabilities: ResponsesCapabilities,
  lost: (path: string) => void,
): { instructions?: string; input?: JsonValue } {
  const { messages } = conversation;
  const [first] = messages;
  const hasInstructions = first !== undefined && isInstructions(first, carry === undefined);
  const rest = messages.slice(hasInstructions ? 1 : 0);
  const only = rest.length === 1 ? rest[0] : undefined;
  const instructions = hasInstructions ? { instructions: textOf(first) } : {};
  if (carry?.['$input'] === 'absent' && rest.length === 0) return instructions;
  if (carry?.['$input'] === 'string' && only?.role === 'user' && only.blocks.every(isPlain))
    return { ...instructions, input: textOf(only) };
  const context: ItemContext = {
    own: carry !== undefined,
    customCalls: customCalls(messages),
    cache: capabilities.cache === true || carried(conversation, 'openai.chat') !== undefined,
    accepts: (maker) => (capabilities.proofsOf ?? ['openai', 'azure']).includes(maker ?? 'openai'),
    lost,
  };
  const paths = clientPaths(conversation);
  const offset = messages.length - rest.length;
  return {
    ...instructions,
    input: rest.flatMap((message, i) => encodeMessage(message, paths[i + offset]!, context)),
  };
}

/** A noted one; of another format, a first system message of plain text. */
function isInstructions(message: Message, foreign: boolean): boolean {
  if (carried(message, dialect)?.['$instructions'] === true) return true;
  return (
    foreign &&
    message.role === 'system' &&
    message.blocks.length > 0 &&
    message.blocks.every(isPlain) &&
    message.carry === undefined
  );
}

function isPlain(block: Message['blocks'][number]): boolean {
  return block.type === 'text' && block.cache === undefined && block.carry === undefined;
}

function textOf({ blocks }: Message): string {
  return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('\n\n');
}

function encodeMessage(message: Message, { message: path, blocks }: MessagePaths, context: ItemContext): JsonObject[] {
  reportForeign(message, dialect, path, context.lost);
  if (message.name !== undefined) context.lost(`${path}.name`);
  const placed = message.blocks.map((block, j) => ({ block, path: blocks[j]! }));
  return encodeItems(placed, message.role, context);
}

function customCalls(messages: readonly Message[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const { blocks } of messages) {
    for (const block of blocks) if (block.type === 'tool-call' && block.kind === 'custom') ids.add(block.id);
  }
  return ids;
}

function encodeTools(conversation: Conversation, own: boolean, lost: (path: string) => void): JsonObject {
  const tools = (conversation.tools ?? [])
    .map((tool, i) => encodeTool(tool, `tools[${i}]`, own, lost))
    .filter(isObject);
  if (tools.length === 0 && !own) return {};
  const { toolChoice, parallelToolCalls } = conversation;
  const choice = toolChoice === undefined ? undefined : encodeToolChoice(toolChoice);
  if (toolChoice !== undefined && choice === undefined) lost('tool_choice');
  return present({
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: choice,
    parallel_tool_calls: parallelToolCalls,
  });
}
