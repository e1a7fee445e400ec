import type { Block, Conversation, TextBlock, ToolCallBlock } from '../../conversation/index.ts';
import { answerTool } from '../answer-tool.ts';
import { customToolNames, freeText } from '../free-text.ts';
import { type ToolNames, toolNames } from '../tool-names.ts';
import { propertyNames, withOwnProperties } from './property-names.ts';

/** Turns what the encoder made of tools back into what the client declared. */
export class ReceivedCalls {
  readonly #request: Conversation | undefined;
  readonly #names: ToolNames;
  readonly #custom: ReadonlySet<string>;

  constructor(request: Conversation | undefined, forbidden: RegExp, nameLimit: number) {
    this.#request = request;
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

  /** Whether the input can only be read when all of it is there. */
  isHeld(wireName: string): boolean {
    return this.kindOf(wireName) === 'custom' || this.#propertiesOf(wireName) !== undefined;
  }

  /** What a call by this wire name was made with, as the client should see it. */
  inputOf(wireName: string, input: string): string {
    if (this.kindOf(wireName) === 'custom') return freeText(input);
    const names = this.#propertiesOf(wireName);
    return names === undefined ? input : withOwnProperties(input, names);
  }

  #propertiesOf(wireName: string): ToolNames | undefined {
    const { output, tools } = this.#request ?? {};
    if (wireName === answerTool) return output?.type === 'schema' ? propertyNames(output.schema) : undefined;
    const name = this.nameOf(wireName);
    const tool = tools?.find((candidate) => candidate.type === 'function' && candidate.name === name);
    return tool?.type === 'function' ? propertyNames(tool.parameters) : undefined;
  }

  /** A whole call as the client should see it. */
  restore(call: ToolCallBlock): ToolCallBlock | TextBlock {
    const kind = this.kindOf(call.name);
    const input = this.inputOf(call.name, call.arguments);
    if (kind === 'answer') return { type: 'text', text: input };
    const name = this.nameOf(call.name);
    if (kind === 'custom') return { ...call, name, kind, arguments: input };
    return name === call.name && input === call.arguments ? call : { ...call, name, arguments: input };
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
