import type { Block, Conversation, Finish, Message, Tool, ToolCallBlock } from '../../plugin-sdk/index.ts';
import { countTokens } from './count-tokens.ts';
import { fromSchema } from './from-schema.ts';

export interface Composed {
  readonly blocks: readonly Block[];
  readonly finish: Finish;
}

/**
 * What the mock says, decided by the request alone:
 * a text after a tool's result; a tool call where the choice demands one or the prompt says `call tool NAME`; JSON where a
 * format is wanted; otherwise the prompt, given back.
 */
export function compose(conversation: Conversation, model: string): Composed {
  const last = conversation.messages.at(-1);
  const prompt = promptOf(conversation);
  const result = last?.blocks.findLast((block) => block.type === 'tool-result');
  if (result?.type !== 'tool-result') {
    const calls = wantedTools(conversation, prompt).map((tool, i) => callOf(tool, prompt, i));
    if (calls.length > 0) return { blocks: calls, finish: { reason: 'tool-calls' } };
  }
  const text = textFor(
    conversation,
    model,
    result?.type === 'tool-result' ? `The tool answered: ${textOf(result.content)}` : undefined,
    prompt,
  );
  const { shown, finish } = limit(text, conversation);
  const thought: Block[] = model === 'reasoner' ? [{ type: 'reasoning', text: `The user said: ${prompt}` }] : [];
  return { blocks: [...thought, { type: 'text', text: shown }], finish };
}

function textFor(conversation: Conversation, model: string, toolText: string | undefined, prompt: string): string {
  const { output } = conversation;
  const words = toolText ?? prompt;
  if (output?.type === 'schema') return JSON.stringify(fromSchema(output.schema, words === '' ? 'mock' : words));
  if (output?.type === 'json') return JSON.stringify({ answer: words });
  if (toolText !== undefined || model === 'echo') return words;
  return prompt === '' ? 'Hello from the mock provider.' : `You said: ${prompt}`;
}

/** The words of the last user message that has any. */
export function promptOf({ messages }: Conversation): string {
  for (const { role, blocks } of messages.toReversed()) {
    const text = role === 'user' ? textOf(blocks) : '';
    if (text !== '') return text;
  }
  return '';
}

function textOf(blocks: Message['blocks']): string {
  return blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

function wantedTools(conversation: Conversation, prompt: string): Tool[] {
  const tools = (conversation.tools ?? []).filter((tool) => tool.type !== 'provider');
  const { toolChoice } = conversation;
  if (toolChoice?.type === 'none' || tools.length === 0) return [];
  if (toolChoice?.type === 'tool') return tools.filter(({ name }) => name === toolChoice.name).slice(0, 1);
  const allowed = toolChoice?.type === 'allowed' ? tools.filter(({ name }) => toolChoice.names.includes(name)) : tools;
  const asked = allowed.filter(({ name }) =>
    new RegExp(`\\b(tool|call)\\s+[\`"']?${quoted(name)}\\b`, 'i').test(prompt),
  );
  if (asked.length > 0) return conversation.parallelToolCalls === false ? asked.slice(0, 1) : asked;
  const isDemanded =
    toolChoice?.type === 'required' || (toolChoice?.type === 'allowed' && toolChoice.mode === 'required');
  return isDemanded ? allowed.slice(0, 1) : [];
}

function callOf(tool: Tool, prompt: string, index: number): ToolCallBlock {
  const id = `call_mock_${index + 1}`;
  if (tool.type === 'custom') return { type: 'tool-call', id, name: tool.name, kind: 'custom', arguments: prompt };
  const { name, parameters = {} } = tool as Extract<Tool, { type: 'function' }>;
  return {
    type: 'tool-call',
    id,
    name,
    arguments: JSON.stringify(fromSchema({ type: 'object', ...parameters }, prompt)),
  };
}

/** Cuts the text at a stop sequence or at the token limit, whichever comes first. */
function limit(text: string, { stop = [], maxOutputTokens }: Conversation): { shown: string; finish: Finish } {
  let shown = text;
  let finish: Finish = { reason: 'stop' };
  for (const sequence of stop) {
    const at = shown.indexOf(sequence);
    if (at < 0 || sequence === '') continue;
    shown = shown.slice(0, at);
    finish = { reason: 'stop', stopSequence: sequence };
  }
  if (maxOutputTokens === undefined || countTokens(shown) <= maxOutputTokens) return { shown, finish };
  return { shown: shown.slice(0, maxOutputTokens * 4), finish: { reason: 'length' } };
}

function quoted(name: string): string {
  return name.replace(/[^\w]/g, '\\$&');
}
