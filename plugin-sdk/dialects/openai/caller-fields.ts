import type { Conversation } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { FieldReader } from './field-reader.ts';

/** `safety_identifier` replaces `user`; with both given it counts and `user` stays in the carry. */
export function decodeEndUser(reader: FieldReader, notes: JsonObject): string | undefined {
  const identifier = reader.string('safety_identifier');
  if (identifier === undefined) return reader.string('user');
  notes['$endUser'] = 'safety_identifier';
  return identifier;
}

export function decodeMetadata(reader: FieldReader): Conversation['metadata'] {
  const metadata = reader.peek('metadata');
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) return undefined;
  reader.understood('metadata');
  return metadata as Conversation['metadata'];
}
