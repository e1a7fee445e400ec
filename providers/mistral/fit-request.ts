import type { BodyEditor } from '../../plugin-sdk/index.ts';
import { embeddingFields, moderationFields } from './allowed-fields.ts';
import { keepAllowedMembers } from './keep-allowed.ts';

export { fitChat } from './fit-chat.ts';

export function fitEmbedding(body: BodyEditor): void {
  body.rename('dimensions', 'output_dimension');
  keepAllowedMembers(body, embeddingFields);
}

export function fitModeration(body: BodyEditor): void {
  keepAllowedMembers(body, moderationFields);
}
