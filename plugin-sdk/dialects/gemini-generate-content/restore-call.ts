import type { Block, Conversation } from '../../conversation/index.ts';
import { isObject, type JsonValue } from '../../json.ts';
import { answerTool } from '../answer-tool.ts';
import { googleToolNames } from './encode-request.ts';

/** Undoes in an answer what encoding the request did to its tools. */
export type RestoreCall = (block: Block) => Block;

/**
 * Function calls get the names that the client gave the tools, calls of custom tools their free text, and the call that
 * stands for a wanted output format becomes the text that it is.
 */
export function restoreCalls(request: Conversation | undefined): RestoreCall {
  const names = googleToolNames(request);
  const custom = new Set(request?.tools?.flatMap((tool) => (tool.type === 'custom' ? [tool.name] : [])));
  return (block) => {
    if (block.type !== 'tool-call') return block;
    if (block.name === answerTool) return { type: 'text', text: block.arguments };
    const name = names.fromWire(block.name);
    if (custom.has(name)) return { ...block, name, kind: 'custom', arguments: inputOf(block.arguments) };
    return name === block.name ? block : { ...block, name };
  };
}

function inputOf(argumentsText: string): string {
  const value = JSON.parse(argumentsText) as JsonValue;
  return isObject(value) && typeof value['input'] === 'string' ? value['input'] : argumentsText;
}
