import type { Block, Conversation, TextBlock, ToolCallBlock } from '../../conversation/index.ts';
import { answerTool } from '../answer-tool.ts';
import { customToolNames, freeText } from '../free-text.ts';
import { type ToolNames, toolNames } from '../tool-names.ts';

/** Turns what the encoder made of tools back into what the client declared. */
export class ReceivedCalls {
  readonly #names: ToolNames;
  readonly #custom: ReadonlySet<string>;

  constructor(request: Conversation | undefined, forbidden: RegExp, nameLimit: number) {
    this.#names = toolNames(request, forbidden, nameLimit);
    this.#custom = customToolNames(request);
  }

  /** How a call by this wire name is to be read; `answer` is the stand-in for a JSON answer. */
  kindOf(wireName: string): 'answer' | 'custom' | 'function' {
    if (wireName === answerTool) return 'answer';
    return this.#custom.has(this.#names.fromWire(wireName)) ? 'custom' : 'function';
  }

  nameOf(wireName: string): string {
    return this.#names.fromWire(wireName);
  }

  /** A whole call as the client should see it. */
  restore(call: ToolCallBlock): ToolCallBlock | TextBlock {
    const kind = this.kindOf(call.name);
    if (kind === 'answer') return { type: 'text', text: call.arguments };
    const name = this.nameOf(call.name);
    if (kind === 'custom') return { ...call, name, kind, arguments: freeText(call.arguments) };
    return name === call.name ? call : { ...call, name };
  }

  /** The same for a list, and whether the answer tool was the only thing called. */
  restoreAll(blocks: readonly Block[]): { readonly blocks: Block[]; readonly answeredByTool: boolean } {
    const calls = blocks.filter((block) => block.type === 'tool-call');
    return {
      blocks: blocks.map((block) => (block.type === 'tool-call' ? this.restore(block) : block)),
      answeredByTool: calls.length > 0 && calls.every((call) => call.name === answerTool),
    };
  }
}
