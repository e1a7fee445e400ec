import type { Block, Conversation } from '../conversation/index.ts';
import { answerTool } from './answer-tool.ts';
import { customToolNames, freeText } from './free-text.ts';
import type { ToolNames } from './tool-names.ts';

/** Undoes in an answer what encoding the request did to its tools. */
export type RestoreCall = (block: Block) => Block;

/**
 * Function calls get the names that the client gave the tools, calls of custom tools their free text, and the call that
 * stands for a wanted output format becomes the text that it is.
 */
export function restoreCalls(request: Conversation | undefined, names: ToolNames): RestoreCall {
  const custom = customToolNames(request);
  return (block) => {
    if (block.type !== 'tool-call') return block;
    if (block.name === answerTool) return { type: 'text', text: block.arguments };
    const name = names.fromWire(block.name);
    if (custom.has(name)) return { ...block, name, kind: 'custom', arguments: freeText(block.arguments) };
    return name === block.name ? block : { ...block, name };
  };
}
