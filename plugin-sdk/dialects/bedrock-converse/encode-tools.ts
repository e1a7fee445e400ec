import type { Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { carriedFields } from '../anthropic-messages/fields.ts';
import { argumentSchema } from '../anthropic-messages/tool-plan.ts';
import { present } from '../present.ts';
import { dialectId } from './decode-block.ts';
import { cachePoint } from './encode-block.ts';

/** A tool with the cache point behind it. */
export function encodeTool(tool: Tool, native: boolean): JsonObject[] {
  if (tool.type === 'provider') return [tool.value];
  if (tool.type === 'custom') return [];
  const spec = {
    name: tool.name,
    inputSchema: { json: native && tool.parameters ? tool.parameters : argumentSchema(tool) },
    ...present({
      // An empty description is refused.
      description: tool.description || (native ? tool.description : undefined),
      strict: tool.strict === false && !native ? undefined : tool.strict,
    }),
    ...carriedFields(tool, dialectId),
  };
  return tool.cache === undefined ? [{ toolSpec: spec }] : [{ toolSpec: spec }, cachePoint(tool.cache, native)];
}

/** `undefined` for `none`, which Converse does not have: the tools stay, since the history may need them. */
export function encodeChoice(choice: ToolChoice): JsonObject | undefined {
  if (choice.type === 'auto') return { auto: {} };
  if (choice.type === 'required') return { any: {} };
  if (choice.type === 'tool') return { tool: { name: choice.name } };
  return choice.type === 'provider' && isObject(choice.value) ? choice.value : undefined;
}
