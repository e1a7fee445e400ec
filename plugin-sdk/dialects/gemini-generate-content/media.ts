import type { AudioBlock, FileBlock, ImageBlock, MediaSource, VideoBlock } from '../../conversation/index.ts';
import { mediaTypeOfName } from '../media-types.ts';

export type MediaBlock = ImageBlock | AudioBlock | VideoBlock | FileBlock;

/** The block for media of a type: Google has one kind of part for all. */
export function mediaBlock(source: MediaSource, mediaType: string | undefined): MediaBlock {
  const family = mediaType?.slice(0, mediaType.indexOf('/'));
  if (family === 'image') return { type: 'image', source };
  if (family === 'audio') return { type: 'audio', source };
  if (family === 'video') return { type: 'video', source };
  return { type: 'file', source };
}

const byBlock: Readonly<Record<MediaBlock['type'], string>> = {
  image: 'image/jpeg',
  audio: 'audio/mpeg',
  video: 'video/mp4',
  file: 'application/pdf',
};

/** The media type of a URL that states none: by its extension, else the commonest of its kind. */
export function guessMediaType(url: string, block: MediaBlock['type']): string {
  const path = url.split(/[?#]/, 1)[0]!;
  return mediaTypeOfName(path) ?? byBlock[block];
}

/** `image/jpg` is written often and is no media type. */
export function cleanMediaType(mediaType: string): string {
  return mediaType === 'image/jpg' ? 'image/jpeg' : mediaType;
}

const fileStore = 'https://generativelanguage.googleapis.com/';
const youTube = /^https?:\/\/(www\.|m\.)?(youtube\.com\/|youtu\.be\/)/;

/** True for the URLs that the Gemini API reads itself: its File API, Cloud Storage and YouTube. */
export function isGoogleUri(url: string): boolean {
  return url.startsWith(fileStore) || url.startsWith('gs://') || youTube.test(url);
}

/** The URI of a file named as the File API names it (`files/abc`); undefined for another provider's id. */
export function fileUri(id: string): string | undefined {
  if (id.startsWith('files/')) return `${fileStore}v1beta/${id}`;
  return id.includes('://') ? id : undefined;
}

export function fromBase64Url(data: string): string {
  return data.replaceAll('-', '+').replaceAll('_', '/');
}

export function toBase64Url(data: string): string {
  return data.replaceAll('+', '-').replaceAll('/', '_');
}

export function isBase64Url(data: string): boolean {
  return data.includes('-') || data.includes('_');
}
