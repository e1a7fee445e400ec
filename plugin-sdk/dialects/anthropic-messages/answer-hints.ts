import type { JsonObject } from '../../json.ts';
import { answerTool } from '../answer-tool.ts';
import { jsonHint } from '../json-hint.ts';

/** System text where the model may not be forced to call the answer tool. */
export const answerToolHint = `Give the final answer only by calling the tool ${answerTool}.`;

/** System text where neither a native schema nor the answer tool can be used. */
export function schemaHint(schema: JsonObject): string {
  return `${jsonHint} It must conform to this JSON Schema: ${JSON.stringify(schema)}`;
}
