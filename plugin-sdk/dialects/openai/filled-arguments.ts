import type { ToolCallBlock } from '../../conversation/index.ts';

/** Arguments that a client can parse: some formats leave out those of a call without any. */
export function filledArguments(call: Pick<ToolCallBlock, 'arguments' | 'kind'>): string {
  return call.arguments === '' && call.kind !== 'custom' ? '{}' : call.arguments;
}
