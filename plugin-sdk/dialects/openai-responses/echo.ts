import type { Conversation, Message } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, wireFields } from '../openai/carry.ts';
import { encodeReasoningSettings, encodeTextSettings } from './settings.ts';
import { encodeTool, encodeToolChoice } from './tools.ts';

const dialect = 'openai.responses';

/** Settings that OpenAI gives when the request did not name them. */
const defaults: JsonObject = {
  background: false,
  max_tool_calls: null,
  prompt_cache_key: null,
  safety_identifier: null,
  top_logprobs: 0,
  truncation: 'disabled',
};

/** The request's settings as a response repeats them (wire facts 7.2). */
export function echoRequest(conversation: Conversation): JsonObject {
  const carry = carried(conversation, dialect);
  const fields = wireFields(carry);
  const repeated: JsonObject = {};
  for (const field in defaults) repeated[field] = fields[field] ?? defaults[field];
  const { sampling, reasoning, toolChoice, logprobs } = conversation;
  return {
    ...repeated,
    instructions: instructionsOf(conversation.messages),
    max_output_tokens: conversation.maxOutputTokens ?? null,
    metadata: (conversation.metadata as JsonObject | undefined) ?? {},
    parallel_tool_calls: conversation.parallelToolCalls ?? true,
    previous_response_id: conversation.previousId ?? null,
    reasoning: { effort: null, summary: null, ...encodeReasoningSettings(reasoning, undefined, carry) },
    store: conversation.store ?? true,
    temperature: sampling?.temperature ?? 1,
    text: { format: { type: 'text' }, ...encodeTextSettings(conversation, carry) },
    tool_choice: (toolChoice === undefined ? undefined : encodeToolChoice(toolChoice)) ?? 'auto',
    tools: toolsOf(conversation),
    top_p: sampling?.topP ?? 1,
    ...(logprobs?.top === undefined ? {} : { top_logprobs: logprobs.top }),
    user: conversation.endUser ?? null,
  };
}

function instructionsOf([first]: readonly Message[]): string | null {
  if (first === undefined || carried(first, dialect)?.['$instructions'] !== true) return null;
  return first.blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** Echoed function tools state every field, as OpenAI's do. */
function toolsOf({ tools = [] }: Conversation): JsonValue[] {
  return tools
    .map((tool, i) => encodeTool(tool, `tools[${i}]`, true, () => {}))
    .filter(isObject)
    .map((tool) =>
      tool['type'] === 'function' ? { description: null, parameters: null, strict: true, ...tool } : tool,
    );
}
