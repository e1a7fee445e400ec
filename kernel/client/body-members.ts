import type { JsonValue } from '../../plugin-sdk/index.ts';
import { multipartBoundary, readMultipartField, readValue, scanTopLevel } from '../../plugin-sdk/json-bytes/index.ts';

const names = ['model', 'stream'];

/** What routing needs, from the head of a body that is still on its way: JSON or multipart. */
export function membersOfHead(head: Buffer, contentType: string): Map<string, JsonValue> {
  const found = new Map<string, JsonValue>();
  if (/\bjson\b/i.test(contentType)) {
    for (const [name, range] of scanTopLevel(head, names).members) {
      const value = readValue(head, range);
      if (value !== undefined) found.set(name, value);
    }
    return found;
  }
  const boundary = multipartBoundary(contentType);
  if (boundary === undefined) return found;
  for (const { name, value } of readMultipartField(head, boundary, names)) {
    found.set(name, name === 'stream' ? value === 'true' || value === '1' : value);
  }
  return found;
}
