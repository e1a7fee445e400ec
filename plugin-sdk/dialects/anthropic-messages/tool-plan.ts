import type { Conversation, FunctionTool, ProviderTool, Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { answerTool, answerToolDescription } from '../answer-tool.ts';
import { loseForeignCarry } from '../carry.ts';
import type { KnownDialectId } from '../dialect.ts';
import { freeTextParameters } from '../free-text.ts';
import { jsonHint } from '../json-hint.ts';
import type { ToolNames } from '../tool-names.ts';
import { answerToolHint, schemaHint } from './answer-hints.ts';
import { fitsNativeOutput, sanitiseSchema } from './schema.ts';

/** What tools, tool choice and output format come to on a target, before they are spelt in its format. */
export interface ToolPlan {
  /** Function tools under their wire names, and provider tools of the target's own dialect. */
  readonly tools: readonly (FunctionTool | ProviderTool)[];
  readonly choice?: Extract<ToolChoice, { type: 'auto' | 'none' | 'required' | 'tool' }>;
  /** Schema for the native structured output. */
  readonly schema?: JsonObject;
  /** System text that asks for JSON where nothing enforces it. */
  readonly hint?: string;
  /** At most one call, although the client did not ask for that. */
  readonly single: boolean;
}

export interface ToolTarget {
  readonly dialect: KnownDialectId;
  readonly names: ToolNames;
  readonly nativeSchema: boolean;
  /** Which forced choices the model takes now. */
  readonly force: { readonly any: boolean; readonly tool: boolean };
}

const maxStrictTools = 20;

/** Resolves tools, choice and output together, since a schema may have to become a tool. */
export function planTools(conversation: Conversation, target: ToolTarget, lost: (path: string) => void): ToolPlan {
  const tools = selectTools(conversation, target, lost);
  const output = planOutput(conversation, target, lost);
  if (output.tool !== undefined) {
    tools.push({ type: 'function', name: answerTool, description: answerToolDescription, parameters: output.tool });
  }
  const choice =
    tools.length === 0 ? undefined : planChoice(conversation, target, output.tool !== undefined, tools.length, lost);
  return {
    tools,
    single: output.tool !== undefined,
    ...(choice && { choice }),
    ...(output.schema && { schema: output.schema }),
    ...(output.hint && { hint: output.hint }),
  };
}

/** JSON Schema of a function's arguments, made an object schema where it is not one. */
export function argumentSchema(tool: FunctionTool): JsonObject {
  const parameters = tool.parameters ?? {};
  if (parameters.type === 'object') return parameters;
  return parameters.type === undefined && Object.keys(parameters).length > 0
    ? { ...parameters, type: 'object' }
    : { type: 'object', properties: {} };
}

function selectTools(
  conversation: Conversation,
  target: ToolTarget,
  lost: (path: string) => void,
): (FunctionTool | ProviderTool)[] {
  const allowed = conversation.toolChoice?.type === 'allowed' ? new Set(conversation.toolChoice.names) : undefined;
  const selected: (FunctionTool | ProviderTool)[] = [];
  let strictTools = 0;
  conversation.tools?.forEach((tool, index) => {
    if (tool.type === 'provider') {
      if (tool.dialect === target.dialect) selected.push(tool);
      else lost(`tools[${index}]`);
      return;
    }
    if (allowed !== undefined && !allowed.has(tool.name)) return;
    loseForeignCarry(tool, target.dialect, `tools[${index}]`, lost);
    const wire = asFunction(tool, target.names);
    if (!wire.strict) selected.push(wire);
    else if (target.nativeSchema && strictTools < maxStrictTools && fitsNativeOutput(argumentSchema(wire))) {
      strictTools += 1;
      selected.push({ ...wire, parameters: sanitiseSchema(argumentSchema(wire)) });
    } else {
      const { strict: _, ...lenient } = wire;
      selected.push(lenient);
      lost(`tools[${index}].function.strict`);
    }
  });
  return selected;
}

/** A free-text tool becomes a function with one string argument, which the answer's decoder unwraps. */
function asFunction(tool: Exclude<Tool, ProviderTool>, names: ToolNames): FunctionTool {
  if (tool.type === 'function') return { ...tool, name: names.toWire(tool.name) };
  const grammar =
    isObject(tool.format) && tool.format.type === 'grammar'
      ? `\n\nThe input must match: ${JSON.stringify(tool.format)}`
      : '';
  return {
    type: 'function',
    name: names.toWire(tool.name),
    description: `${tool.description ?? tool.name}${grammar}`,
    parameters: { ...freeTextParameters(), additionalProperties: false },
  };
}

function planOutput(
  { output }: Conversation,
  target: ToolTarget,
  lost: (path: string) => void,
): { readonly schema?: JsonObject; readonly tool?: JsonObject; readonly hint?: string } {
  if (output === undefined || output.type === 'text') return {};
  if (output.type === 'json') return { hint: jsonHint };
  if (target.nativeSchema && fitsNativeOutput(output.schema)) return { schema: sanitiseSchema(output.schema) };
  if (output.schema.type !== 'object') {
    lost('response_format');
    return { hint: schemaHint(output.schema) };
  }
  if (target.force.any && target.force.tool) return { tool: output.schema };
  lost('response_format');
  return { tool: output.schema, hint: answerToolHint };
}

function planChoice(
  conversation: Conversation,
  target: ToolTarget,
  standsForAnswer: boolean,
  count: number,
  lost: (path: string) => void,
): ToolPlan['choice'] {
  const wanted = conversation.toolChoice;
  const { force } = target;
  if (standsForAnswer && wanted?.type !== 'tool') {
    if (!force.any || !force.tool) return { type: 'auto' };
    return count === 1 || wanted?.type === 'none' ? { type: 'tool', name: answerTool } : { type: 'required' };
  }
  switch (wanted?.type) {
    case 'none':
    case 'auto':
      return { type: wanted.type };
    case 'tool':
      if (force.tool) return { type: 'tool', name: target.names.toWire(wanted.name) };
      lost('tool_choice');
      return { type: force.any ? 'required' : 'auto' };
    case 'required':
    case 'allowed':
      if (wanted.type === 'allowed' && wanted.mode === 'auto') return { type: 'auto' };
      if (force.any) return { type: 'required' };
      lost('tool_choice');
      return { type: 'auto' };
    case 'provider':
      lost('tool_choice');
      return { type: 'auto' };
    default:
      return undefined;
  }
}
