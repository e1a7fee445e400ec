import type { MediaSource } from '../../conversation/index.ts';

/**
 * A URL or `data:` URI as a source. `image/jpg`, which does not exist but is often written, becomes `image/jpeg`, and
 * parameters (jsPDF writes `application/pdf;filename=generated.pdf`) are no part of the type; `spelling` then keeps what
 * was read.
 */
export function sourceOfUrl(url: string): { readonly source: MediaSource; readonly spelling?: string } {
  const match = dataUri.exec(url);
  if (match === null) return { source: { kind: 'url', url } };
  const written = match[1]!;
  const type = written.split(';', 1)[0]!;
  const mediaType = type === 'image/jpg' ? 'image/jpeg' : type;
  const source: MediaSource = { kind: 'base64', mediaType, data: url.slice(match[0].length) };
  return mediaType === written ? { source } : { source, spelling: written };
}

const dataUri = /^data:([\w.+-]+\/[\w.+-]+(?:;[^;,]+)*?);base64,/;

/** The URL form of a source; `undefined` for a stored file or plain text, which have none. */
export function urlOfSource(source: MediaSource, spelling?: string): string | undefined {
  if (source.kind === 'url') return source.url;
  if (source.kind === 'base64') return `data:${spelling ?? source.mediaType};base64,${source.data}`;
  return undefined;
}

/** OpenAI names audio by container (`mp3`), everyone else by media type. */
export function audioMediaType(format: string): string {
  return format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
}

/** The OpenAI name of an audio media type: `audio/x-wav` is `wav`. */
export function audioFormat(mediaType: string): string {
  const subtype = mediaType.split(';', 1)[0]!.replace(/^audio\/(x-)?/, '');
  if (subtype === 'mpeg') return 'mp3';
  return subtype === 'wave' || subtype === 'vnd.wave' ? 'wav' : subtype;
}
