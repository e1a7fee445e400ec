import type { Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { EncodeContext } from '../dialect.ts';
import { present } from '../present.ts';
import { toolNames } from '../tool-names.ts';
import { dialectId } from './dialect-id.ts';
import { forbiddenInNames, toolNameLimit } from './encode-block.ts';
import { restoreMessages } from './encode-messages.ts';
import { encodeChoice, encodeTool } from './encode-tools.ts';
import { carriedFields } from './fields.ts';
import { displayOf } from './thinking.ts';

/** A conversation that was read from this dialect, written as it was. */
export function restoreRequest(conversation: Conversation, context: EncodeContext): JsonObject {
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
  const joined = (key: string, fields: JsonObject): JsonValue | undefined => {
    const object: JsonObject = { ...(isObject(carried[key]) ? carried[key] : {}), ...present(fields) };
    return Object.keys(object).length === 0 ? carried[key] : object;
  };
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
    service_tier: tierOf(conversation.serviceTier),
    stream: context.stream ? true : conversation.stream === undefined ? undefined : false,
    ...carried,
    output_config: joined('output_config', { effort: nativeEffort(reasoning.effort), format }),
    metadata: joined('metadata', { user_id: conversation.endUser }),
  });
}

/** `thinking` as it was read. */
export function thinkingOf(reasoning: NonNullable<Conversation['reasoning']>): JsonObject | undefined {
  if (reasoning.adaptive) return { type: 'adaptive', ...displayOf(reasoning) };
  if (reasoning.budgetTokens === undefined) return undefined;
  if (reasoning.budgetTokens === 0) return { type: 'disabled', ...displayOf(reasoning) };
  return { type: 'enabled', budget_tokens: reasoning.budgetTokens, ...displayOf(reasoning) };
}

function nativeEffort(effort: NonNullable<Conversation['reasoning']>['effort']): string | undefined {
  return effort === 'none' || effort === 'minimal' ? 'low' : effort;
}

function tierOf(tier: Conversation['serviceTier']): string | undefined {
  return tier === 'standard' ? 'standard_only' : tier;
}
