import type { Body } from '../../body.ts';
import { isObject } from '../../json.ts';

/** Whether a chat request offers free-text tools. The list is parsed only when the word stands in its bytes. */
export function offersCustomTools(body: Body): boolean {
  if (body.kind !== 'bytes' || !body.isJson) return false;
  const range = body.topLevel.members.get('tools');
  if (range === undefined || !body.pieces.slice(range).includes('"custom"')) return false;
  const tools = body.member('tools');
  return Array.isArray(tools) && tools.some((tool) => isObject(tool) && tool['type'] === 'custom');
}
