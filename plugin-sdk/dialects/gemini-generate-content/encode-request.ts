import type { Conversation } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { jsonHint } from '../json-hint.ts';
import { refuseEmpty } from '../refuse-empty.ts';
import { type ToolNames, toolNames } from '../tool-names.ts';
import { capabilitiesOf, type GeminiCapabilities } from './capabilities.ts';
import { encodeConfig } from './encode-config.ts';
import { encodeMessages } from './encode-messages.ts';
import { encodeTools, webSearch } from './encode-tools.ts';
import { dialectId, isNative, kept } from './notes.ts';
import { addMissingSignatures } from './signatures.ts';
import { asWritten } from './spelling.ts';

/**
 * Names may hold letters, digits and `_ . : -`, at most 64 (wire.md 4.3), and begin with a letter or an underscore, which
 * those of OpenAI need not: "Invalid function name. Must start with a letter or an underscore."
 */
export function googleToolNames(conversation: Conversation | undefined): ToolNames {
  return toolNames(conversation, /^[^A-Za-z_]|[^\w.:-]/g, 64);
}

/**
 * Writes a GenerateContentRequest; model and streaming go into the URL, which is the provider's task.
 * What this dialect read itself is written as it stood; everything else is brought into the form that Google accepts.
 */
export function encodeRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  const capabilities = capabilitiesOf(context.model, context.capabilities);
  const names = googleToolNames(conversation);
  const { fields, notes } = kept(conversation);
  const { toolConfig: _toolConfig, generationConfig: _generationConfig, ...body } = fields;
  const native = isNative(conversation);
  loseForeignCarry(conversation, dialectId, '', context.lost, [webSearch]);

  const { system, contents } = encodeMessages(conversation.messages, capabilities, names, context.lost);
  if (!native) refuseEmpty(contents);
  const { tools, toolConfig, format } = encodeTools(conversation, capabilities, names, context);
  const instruction = format === 'words' ? withHint(system, contents, capabilities) : system;
  if (instruction !== undefined) body['systemInstruction'] = instruction;
  if (capabilities.needsSignatures && !native) addMissingSignatures(contents);
  if (contents.length > 0 || notes.absent?.includes('contents') !== true) {
    body['contents'] = notes.single?.includes('contents') && contents.length === 1 ? contents[0] : contents;
  }
  if (tools !== undefined) body['tools'] = notes.single?.includes('tools') && tools.length === 1 ? tools[0] : tools;
  if (toolConfig !== undefined) body['toolConfig'] = toolConfig;
  const config = encodeConfig(conversation, capabilities, format === 'google', context.lost);
  if (config !== undefined) body['generationConfig'] = config;
  if (native && conversation.model !== '' && notes.absent?.includes('model') !== true)
    body['model'] = conversation.model;
  encodeAccount(conversation, capabilities, body, context.lost);
  return asWritten(body, notes.snake ?? []);
}

/** Asks for JSON in the system instruction; a model that has none is asked at the beginning. */
function withHint(
  system: JsonObject | undefined,
  contents: JsonObject[],
  { systemInstruction }: GeminiCapabilities,
): JsonObject | undefined {
  const hint = { text: jsonHint };
  if (systemInstruction) return { ...system, parts: [system?.['parts'] ?? [], hint].flat() as JsonObject[] };
  contents.unshift({ role: 'user', parts: [hint] });
  return system;
}

/** Who asks and on what terms: labels exist on Vertex only, and the tier in the body on the Gemini API only. */
function encodeAccount(
  conversation: Conversation,
  capabilities: GeminiCapabilities,
  body: JsonObject,
  lost: (path: string) => void,
): void {
  const { serviceTier, metadata, endUser } = conversation;
  if (metadata !== undefined) {
    if (capabilities.labels || isNative(conversation)) body['labels'] = metadata;
    else lost('metadata');
  }
  if (endUser !== undefined) lost('user');
  if (conversation.verbosity !== undefined) lost('verbosity');
  if (conversation.store === true) lost('store');
  if (conversation.previousId !== undefined) lost('previous_response_id');
  // Every model may call in parallel and none can be told not to.
  if (conversation.parallelToolCalls === false) lost('parallel_tool_calls');
  if (serviceTier === undefined || serviceTier === 'auto' || serviceTier === 'default') return;
  if (serviceTier === 'scale') lost('service_tier');
  else if (capabilities.serviceTier === 'body') body['serviceTier'] = serviceTier;
}
