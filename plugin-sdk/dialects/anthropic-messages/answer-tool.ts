import type { JsonObject } from '../../json.ts';

/**
 * Name of the tool that stands in for a JSON Schema answer on models without a native one. The decoders know it by this
 * name alone and turn its call back into text.
 */
export const answerToolName = 'bifrost_json_answer';

export const answerToolDescription =
  'Gives the final answer. The answer must be given by calling this tool, exactly once.';

/** System text for `json_object`, which has no native mode. */
export const jsonHint = 'Reply with one valid JSON object and nothing else: no prose, no Markdown fences.';

/** System text where the model may not be forced to call the answer tool. */
export const answerToolHint = `Give the final answer only by calling the tool ${answerToolName}.`;

/** System text where neither a native schema nor the answer tool can be used. */
export function schemaHint(schema: JsonObject): string {
  return `${jsonHint} It must conform to this JSON Schema: ${JSON.stringify(schema)}`;
}
