import type { Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import { dialectId } from './dialect-id.ts';
import { cacheControl } from './encode-block.ts';
import type { Turn } from './encode-messages.ts';
import { carriedFields, spellingOf } from './fields.ts';
import { withLegalProperties } from './property-names.ts';
import { argumentSchema, type ToolPlan } from './tool-plan.ts';

export function encodeTool(tool: Tool, native: boolean): JsonObject {
  if (tool.type === 'provider') return { ...tool.value };
  if (tool.type === 'custom') return { type: 'custom', name: tool.name, input_schema: { type: 'object' } };
  return {
    name: tool.name,
    input_schema: native && tool.parameters ? tool.parameters : withLegalProperties(argumentSchema(tool)),
    ...present({
      type: spellingOf(tool, dialectId, '$type'),
      description: tool.description,
      strict: tool.strict === false && !native ? undefined : tool.strict,
    }),
    ...cacheControl(tool, native),
    ...carriedFields(tool, dialectId),
  };
}

/**
 * Tools that calls in the history name, for a request that offers none: "Requests which have `tool_use` or `tool_result`
 * blocks in messages must define tools". With {@link encodeChoice} of `none` beside them the model calls none.
 */
export function calledTools(turns: readonly Turn[]): JsonObject[] {
  const calls = turns.flatMap(({ content }) => content.filter(({ type }) => type === 'tool_use'));
  const names = new Set(calls.map(({ name }) => String(name)));
  return [...names].map((name) => ({ name, input_schema: { type: 'object', properties: {} } }));
}

/** `tool_choice` of a plan: also the place to forbid parallel calls, so that `auto` is stated for it. */
export function plannedChoice(plan: ToolPlan, parallel: boolean | undefined): JsonObject | undefined {
  if (plan.tools.length === 0) return undefined;
  const single = plan.single || parallel === false;
  if (plan.choice === undefined && !single) return undefined;
  return encodeChoice(plan.choice ?? { type: 'auto' }, single ? false : undefined);
}

export function encodeChoice(choice: ToolChoice, parallel: boolean | undefined): JsonObject {
  const single = parallel === undefined || choice.type === 'none' ? {} : { disable_parallel_tool_use: !parallel };
  switch (choice.type) {
    case 'required':
      return { type: 'any', ...single };
    case 'tool':
      return { type: 'tool', name: choice.name, ...single };
    case 'provider':
      return isObject(choice.value) ? choice.value : { type: 'auto' };
    case 'allowed':
      return { type: choice.mode === 'required' ? 'any' : 'auto', ...single };
    default:
      return { type: choice.type, ...single };
  }
}
