import type { Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carriedFields, spellingOf } from '../anthropic-messages/fields.ts';
import { thinkingOf } from '../anthropic-messages/restore-request.ts';
import type { EncodeContext } from '../dialect.ts';
import { present } from '../present.ts';
import { toolNames } from '../tool-names.ts';
import { dialectId } from './decode-block.ts';
import { type ConverseScope, encodeBlocks, forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { encodeChoice, encodeTool } from './encode-tools.ts';

/** A conversation that was read from this dialect, written as it was. */
export function restoreRequest(conversation: Conversation, context: EncodeContext): JsonObject {
  const { sampling = {}, reasoning = {}, toolChoice } = conversation;
  const carried = carriedFields(conversation, dialectId);
  const empty = spellingOf(conversation, dialectId, '$empty');
  const isEmpty = (key: string): boolean => Array.isArray(empty) && empty.includes(key);
  const joined = (key: string, fields: JsonObject): JsonValue | undefined => {
    const object: JsonObject = { ...(isObject(carried[key]) ? carried[key] : {}), ...present(fields) };
    return Object.keys(object).length === 0 && !isEmpty(key) ? carried[key] : object;
  };
  const { system, messages } = restoreMessages(conversation, context);
  return present({
    ...carried,
    messages,
    system: system.length === 0 && !isEmpty('system') ? carried.system : system,
    inferenceConfig: joined('inferenceConfig', {
      maxTokens: conversation.maxOutputTokens,
      temperature: sampling.temperature,
      topP: sampling.topP,
      stopSequences: conversation.stop && [...conversation.stop],
    }),
    toolConfig: joined('toolConfig', {
      tools: conversation.tools?.flatMap((tool) => encodeTool(tool, true)),
      toolChoice: toolChoice && encodeChoice(toolChoice),
    }),
    outputConfig: joined('outputConfig', { effort: reasoning.effort, textFormat: textFormat(conversation) }),
    additionalModelRequestFields: joined('additionalModelRequestFields', {
      thinking: thinkingOf(reasoning),
      top_k: sampling.topK,
    }),
    requestMetadata: conversation.metadata ? { ...conversation.metadata } : carried.requestMetadata,
    serviceTier: conversation.serviceTier ? { type: conversation.serviceTier } : carried.serviceTier,
  });
}

function restoreMessages(
  conversation: Conversation,
  context: EncodeContext,
): { system: JsonObject[]; messages: JsonValue[] } {
  const scope: ConverseScope = {
    native: true,
    names: toolNames(undefined, forbiddenInNames, toolNameLimit),
    maker: 'anthropic',
    shortCallIds: false,
    documentNames: new Set(),
    inToolLoop: false,
    lost: (path) => context.lost(path),
  };
  const system: JsonObject[] = [];
  const messages: JsonValue[] = [];
  conversation.messages.forEach((message, index) => {
    const content = encodeBlocks(message, index, scope);
    const isTop =
      spellingOf(message, dialectId, '$system') === true ||
      message.role === 'developer' ||
      (message.role === 'system' && messages.length === 0);
    if (isTop) system.push(...content);
    else messages.push({ role: message.role, content, ...carriedFields(message, dialectId) });
  });
  return { system, messages };
}

function textFormat(conversation: Conversation): JsonObject | undefined {
  const { output } = conversation;
  if (output?.type !== 'schema') return undefined;
  const compact = JSON.stringify(output.schema);
  const written = spellingOf(conversation, dialectId, '$schema');
  const same = typeof written === 'string' && JSON.stringify(JSON.parse(written)) === compact;
  const definition = present({ name: output.name, description: output.description, schema: same ? written : compact });
  return { type: 'json_schema', structure: { jsonSchema: definition } };
}
