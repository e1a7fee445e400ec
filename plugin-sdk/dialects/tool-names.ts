import type { Conversation } from '../conversation/index.ts';

/** Tool names as a provider accepts them, and the way back. */
export interface ToolNames {
  toWire(name: string): string;
  fromWire(name: string): string;
}

const unchanged: ToolNames = { toWire: (name) => name, fromWire: (name) => name };

/**
 * Brings the tool names of a conversation into the charset and length that a format allows.
 * The map depends on the conversation alone, so the answer is translated back with the same one.
 * `forbidden` matches one character that a name may not have (global flag).
 */
export function toolNames(conversation: Conversation | undefined, forbidden: RegExp, maxLength: number): ToolNames {
  if (conversation === undefined) return unchanged;
  return legalNames(namesIn(conversation), forbidden, maxLength) ?? unchanged;
}

/** The same for any names; undefined when all are legal as they are. */
export function legalNames(names: readonly string[], forbidden: RegExp, maxLength: number): ToolNames | undefined {
  if (names.every((name) => name.length <= maxLength && name.search(forbidden) < 0)) return undefined;
  const wire = new Map<string, string>();
  const original = new Map<string, string>();
  for (const name of names) {
    if (wire.has(name)) continue;
    const legal = name.replace(forbidden, '_');
    let chosen = legal.slice(0, maxLength);
    for (let n = 2; chosen === '' || original.has(chosen) || (chosen !== name && names.includes(chosen)); n++) {
      const suffix = `_${n}`;
      chosen = legal.slice(0, maxLength - suffix.length) + suffix;
    }
    wire.set(name, chosen);
    original.set(chosen, name);
  }
  return { toWire: (name) => wire.get(name) ?? name, fromWire: (name) => original.get(name) ?? name };
}

function namesIn(conversation: Conversation): string[] {
  const names: string[] = [];
  for (const tool of conversation.tools ?? []) if (tool.type !== 'provider') names.push(tool.name);
  for (const message of conversation.messages) {
    for (const block of message.blocks) {
      if (block.type === 'tool-call') names.push(block.name);
      else if (block.type === 'tool-result' && block.name !== undefined) names.push(block.name);
    }
  }
  return names;
}
